use keyward_core::change::Epoch;

use super::Bed;
use super::town::Town;
use crate::NodeNote;

fn node(start: &str, applied: u64) -> NodeNote {
    NodeNote { start: start.to_owned(), name: format!("node {start}"), applied: Epoch(applied) }
}

/// What another server than those of the tests sees: server, beat, start, applied.
async fn seen(town: &Town) -> Vec<(String, u64, String, u64)> {
    let found = town.system_view().await.nodes_elsewhere("another", 100).await.unwrap();
    let mut seen: Vec<_> = found
        .into_iter()
        .map(|found| {
            assert_eq!(found.node.name, format!("node {}", found.node.start));
            (found.server, found.beat, found.node.start, found.node.applied.0)
        })
        .collect();
    seen.sort();
    seen
}

fn row(server: &str, beat: u64, start: &str, applied: u64) -> (String, u64, String, u64) {
    (server.to_owned(), beat, start.to_owned(), applied)
}

/// Two servers with their nodes.
async fn enrolled(bed: &impl Bed) -> Town {
    let town = Town::found(bed.open().await).await;
    let mut tx = town.system().await;
    tx.enrol_server("one", 1, &[node("a", 5), node("b", 6)]).await.unwrap();
    tx.enrol_server("two", 1, &[node("c", 7)]).await.unwrap();
    tx.commit().await.unwrap();
    town
}

pub(crate) async fn a_server_sees_the_nodes_of_all_others(bed: &impl Bed) {
    let town = enrolled(bed).await;
    assert_eq!(seen(&town).await, [row("one", 1, "a", 5), row("one", 1, "b", 6), row("two", 1, "c", 7)]);
    let mut view = town.system_view().await;
    let of_two: Vec<_> = view.nodes_elsewhere("two", 100).await.unwrap();
    assert!(of_two.len() == 2 && of_two.iter().all(|found| found.server == "one"));
    assert_eq!(view.nodes_elsewhere("another", 1).await.unwrap().len(), 1);
}

pub(crate) async fn nodes_come_further_and_new_ones_join(bed: &impl Bed) {
    let town = enrolled(bed).await;
    let mut tx = town.system().await;
    assert!(tx.note_nodes("one", 1, 2, &[node("a", u64::MAX), node("d", 0)]).await.unwrap());
    assert!(tx.note_nodes("one", 2, 3, &[]).await.unwrap(), "it only lives");
    tx.commit().await.unwrap();
    let last = i64::MAX.unsigned_abs();
    assert_eq!(
        seen(&town).await,
        [row("one", 3, "a", last), row("one", 3, "b", 6), row("one", 3, "d", 0), row("two", 1, "c", 7)]
    );
    let mut tx = town.system().await;
    tx.strike_nodes("one", &["a".to_owned(), "c".to_owned(), "none".to_owned()]).await.unwrap();
    tx.enrol_server("two", 9, &[node("e", 1)]).await.unwrap();
    tx.commit().await.unwrap();
    let left = [row("one", 3, "b", 6), row("one", 3, "d", 0), row("two", 9, "e", 1)];
    assert_eq!(seen(&town).await, left, "who enrols anew is noted anew");
}

pub(crate) async fn a_server_that_was_struck_off_has_to_enrol_anew(bed: &impl Bed) {
    let town = enrolled(bed).await;
    let mut tx = town.system().await;
    assert!(!tx.strike_server("one", 7).await.unwrap(), "it has said something since");
    assert!(tx.strike_server("one", 1).await.unwrap());
    assert!(!tx.note_nodes("one", 1, 2, &[node("a", 8)]).await.unwrap());
    assert!(!tx.note_nodes("two", 7, 8, &[node("a", 8)]).await.unwrap(), "another has written its beat");
    tx.commit().await.unwrap();
    assert_eq!(seen(&town).await, [row("two", 1, "c", 7)]);
    let mut tx = town.system().await;
    tx.enrol_server("one", 2, &[]).await.unwrap();
    assert!(tx.note_nodes("one", 2, 3, &[node("a", 8)]).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(seen(&town).await, [row("one", 3, "a", 8), row("two", 1, "c", 7)]);
}
