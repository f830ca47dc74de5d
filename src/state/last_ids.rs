//! This is where it is remembered which ids were given, so that none is ever given twice.

use serde::{Deserialize, Serialize};

use super::id::{ChatId, EntryId, KeyId, MemberId, ShareId, UserId};

/// The highest id of each kind that was ever given; 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastIds {
    user: u32,
    chat: u32,
    share: u32,
    entry: u32,
    member: u32,
    key: u32,
}

macro_rules! of_kind {
    ($($id:ident: $kind:ident, $next:ident, $note:ident;)+) => {
        impl LastIds {
            $(
                /// Gives the next id; none is left after 2147483647.
                pub fn $next(&mut self) -> Option<$id> {
                    let id = $id::try_from(u64::from(self.$kind) + 1).ok()?;
                    self.$note(id);
                    Some(id)
                }

                /// Notes an id that somebody chose.
                pub fn $note(&mut self, id: $id) {
                    self.$kind = self.$kind.max(id.get());
                }
            )+
        }
    };
}

of_kind! {
    UserId: user, next_user, note_user;
    ChatId: chat, next_chat, note_chat;
    ShareId: share, next_share, note_share;
    EntryId: entry, next_entry, note_entry;
    MemberId: member, next_member, note_member;
    KeyId: key, next_key, note_key;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_given_once_and_they_end() {
        let mut last = LastIds::default();
        assert_eq!(last.next_user().map(UserId::get), Some(1));
        last.note_user("7".parse().expect("7 is an id"));
        last.note_user("3".parse().expect("3 is an id"));
        assert_eq!(last.next_user().map(UserId::get), Some(8));
        last.note_user("2147483647".parse().expect("the last id is one"));
        assert_eq!(last.next_user(), None);
        assert_eq!(last.next_chat().map(ChatId::get), Some(1));
    }
}
