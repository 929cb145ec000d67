use keyward_core::billing::{Moment, Stage, Subscription};
use keyward_core::id::WorkspaceId;
use keyward_core::plan::PlanName;

use super::Bed;
use super::town::{Town, at};

pub(crate) fn subscription(id: &str, workspace: WorkspaceId, plan: Option<&str>) -> Subscription {
    Subscription {
        id: id.into(),
        workspace,
        plan: plan.map(PlanName::new),
        moment: Moment { at: at(1000), stage: Stage::Updated },
        events: vec!["evt_1".into(), "evt_\"2\"".into()],
        heard_at: at(2000),
    }
}

pub(crate) async fn a_subscription_comes_back_as_it_was_kept_last(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut first = subscription("sub_1", town.acme.id, Some("pro"));
    let other = subscription("sub_2", town.acme.id, None);
    let mut tx = town.system().await;
    assert_eq!(tx.subscription("sub_1").await.unwrap(), None);
    tx.put_subscription(&first).await.unwrap();
    tx.put_subscription(&other).await.unwrap();
    assert_eq!(tx.subscription("sub_1").await.unwrap().as_ref(), Some(&first));
    for stage in Stage::ALL {
        first.workspace = town.globex.id;
        first.plan = None;
        first.moment = Moment { at: at(3000), stage };
        first.events = vec!["evt_3".into()];
        first.heard_at = at(4000);
        tx.put_subscription(&first).await.unwrap();
        assert_eq!(tx.subscription("sub_1").await.unwrap().as_ref(), Some(&first));
    }
    assert_eq!(tx.subscription("sub_2").await.unwrap(), Some(other));
}

pub(crate) async fn the_plans_that_are_paid_for_are_a_workspaces_own(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut tx = town.system().await;
    for (id, workspace, plan) in [
        ("sub_1", &town.acme, Some("pro")),
        ("sub_2", &town.acme, Some("enterprise")),
        ("sub_3", &town.acme, Some("pro")),
        ("sub_4", &town.acme, None),
        ("sub_5", &town.globex, Some("starter")),
    ] {
        tx.put_subscription(&subscription(id, workspace.id, plan)).await.unwrap();
    }
    let names = |names: &[&str]| names.iter().map(|name| PlanName::new(name)).collect::<Vec<_>>();
    assert_eq!(tx.paid_plans(town.acme.id).await.unwrap(), names(&["enterprise", "pro"]));
    assert_eq!(tx.paid_plans(town.globex.id).await.unwrap(), names(&["starter"]));
    assert_eq!(tx.paid_plans(WorkspaceId::from_bytes([9; 16])).await.unwrap(), []);
}

pub(crate) async fn ended_subscriptions_are_forgotten_after_a_while(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let heard = |id, plan, ms| Subscription { heard_at: at(ms), ..subscription(id, town.acme.id, plan) };
    let mut tx = town.system().await;
    for subscription in
        [heard("ended", None, 10), heard("just ended", None, 20), heard("paid", Some("pro"), 1)]
    {
        tx.put_subscription(&subscription).await.unwrap();
    }
    assert_eq!(tx.forget_ended_subscriptions(at(20)).await.unwrap(), 1);
    assert_eq!(tx.subscription("ended").await.unwrap(), None);
    assert!(tx.subscription("just ended").await.unwrap().is_some());
    assert!(tx.subscription("paid").await.unwrap().is_some(), "what is paid for is never forgotten");
}
