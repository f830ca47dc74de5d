"""How a bot is tested: against a gateway, against a mock, and the gateway against what the bot relies on."""

from pathlib import Path

import pytest
from bot import Bot, Refused

# The demo data's.
APP = "90090684293000559"
TOKEN = "90091784056528980:0:DemoBotTokenForLocalUseOnly001"
TOKEN_WITHOUT_PERMISSION = "90091784056528981:0:DemoBotWithoutAnyPermission001"

INVITE = Path(__file__).parent.parent / "invite.jsonl"


def test_who_is_invited_is_on_the_list(gateway):
    with Bot.connected(gateway, TOKEN, APP) as bot:
        assert bot.guests() == []
        bot.invite("name@example.com")
        assert bot.guests() == ["name@example.com"]


def test_a_bot_without_permission_hears_so(gateway):
    with Bot.connected(gateway, TOKEN_WITHOUT_PERMISSION, APP) as bot, pytest.raises(Refused) as refused:
        bot.invite("name@example.com")
    assert refused.value.code == 160017


def test_the_bot_says_what_the_transcript_says(mock):
    # No gateway and no state: the bot must send these frames, in this order, and nothing else.
    with Bot.connected(mock(INVITE), TOKEN, APP) as bot:
        bot.invite("name@example.com")
        assert bot.guests() == ["name@example.com"]


def test_the_gateway_answers_what_the_transcript_says(gateway, replay):
    replay(INVITE, gateway)
