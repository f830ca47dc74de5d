//! Three gateways that share one journal in three members of etcd, each on a host of its own, while everything goes wrong: processes
//! are killed, emptied and frozen, and packets between any two are lost in either direction or both.
//!
//! `GUESTLIST_LONG=1` goes on for ten minutes, and `GUESTLIST_SEED=…` has the same go wrong as in another run. It takes etcd 3.4 or
//! later, and root, for the hosts; without root everything runs on loopback and no packets are lost, which is said.

#[path = "cluster/altered.rs"]
mod altered;
#[path = "cluster/chaos.rs"]
mod chaos;
#[path = "cluster/cluster.rs"]
mod cluster;
#[path = "cluster/compacted.rs"]
mod compacted;
#[path = "cluster/conversation.rs"]
mod conversation;
#[path = "cluster/cut_off.rs"]
mod cut_off;
#[path = "cluster/drain.rs"]
mod drain;
#[path = "cluster/etcd.rs"]
mod etcd;
#[path = "cluster/faults.rs"]
mod faults;
#[path = "cluster/fixtures.rs"]
mod fixtures;
#[path = "cluster/gateways.rs"]
mod gateways;
#[path = "cluster/hosts.rs"]
mod hosts;
#[path = "cluster/journal.rs"]
mod journal;
#[path = "cluster/line.rs"]
mod line;
#[path = "histories/list.rs"]
mod list;
#[path = "histories/lists.rs"]
mod lists;
#[path = "cluster/load.rs"]
mod load;
#[path = "cluster/moved.rs"]
mod moved;
#[path = "cluster/order.rs"]
mod order;
#[path = "cluster/papers.rs"]
mod papers;
#[path = "cluster/revoked.rs"]
mod revoked;
#[path = "cluster/rivals.rs"]
mod rivals;
#[path = "cluster/spread.rs"]
mod spread;
mod support;
#[path = "cluster/tokens.rs"]
mod tokens;
#[path = "cluster/wait.rs"]
mod wait;

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_loses_doubles_and_reorders_nothing_whatever_goes_wrong() {
    chaos::nothing_acknowledged_is_lost().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_goes_on_elsewhere_when_its_gateway_is_drained() {
    drain::a_bot_goes_on_elsewhere().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gateway_acts_on_what_another_acknowledged() {
    order::each_gateway_acts_on_what_another_acknowledged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_dead_on_all_gateways_within_a_second() {
    revoked::a_token_is_dead_everywhere().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_cut_off_refuses_and_comes_back_by_itself() {
    cut_off::a_gateway_refuses_and_comes_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_catches_up_with_what_was_compacted() {
    compacted::a_gateway_catches_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_begins_anew_where_what_it_missed_was_removed() {
    compacted::a_gateway_begins_anew().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_altered_is_found_out_and_made_anew() {
    altered::a_copy_is_made_anew().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_moves_into_etcd_and_back() {
    moved::a_journal_moves_and_goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_is_shown_who_comes() {
    papers::etcd_is_shown_who_comes().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_one_gateway_made_is_known_at_another() {
    tokens::a_token_is_known_at_once().await;
}
