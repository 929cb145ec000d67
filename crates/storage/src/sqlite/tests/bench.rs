//! The benchmark of lists: `cargo xtask bench lists` runs it in the release build.
//!
//! Stores of several sizes are filled, then every question is put to all of them in turn, again and again, so that
//! whatever else the machine does meanwhile touches all sizes alike. Told are the work that SQLite counts, and times
//! as multiples of those of the smallest store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::many::{Many, all, short_search, sorts};
use super::plans::plan;
use super::watch::{self, Run};
use crate::bounds::Bounds;
use crate::conformance::town::workspace_key;
use crate::sqlite::connection::Guarded;
use crate::sqlite::key_list::List;
use crate::{KeyFilter, KeySort, Page, Position, Tx};

/// How often each question is put to each store: enough for a median.
const ROUNDS: usize = 15;
/// Keys of a page: what the API gives where nobody says.
const LIMIT: u32 = 50;
/// Where the report goes.
const OUT: &str = "KEYWARD_BENCH_OUT";
/// The numbers of keys, the smallest first, with commas between them.
const SIZES: &str = "KEYWARD_BENCH_SIZES";
const SIZES_DEFAULT: &str = "10000,100000,1000000";

/// What is asked of a store.
#[derive(Debug, Clone)]
enum Ask {
    /// The first page, or that behind so many percent of the keys; with one of the filters, by its number.
    List {
        filter: Option<usize>,
        sort: KeySort,
        behind: Option<u64>,
    },
    ShortSearch(KeySort),
    KeyById,
    KeyByDigest,
    LiveKeys {
        at_most: u32,
    },
    Members,
    ServiceAccounts,
    Create,
}

struct Question {
    group: &'static str,
    name: String,
    ask: Ask,
}

/// A filled store, with transactions that stay open.
struct Opened {
    many: Many,
    reader: Guarded,
    tenant: Box<dyn Tx>,
    system: Box<dyn Tx>,
}

/// What came out for one question and one store.
#[derive(Default)]
struct Answer {
    /// The keys of a page, with a sign where it is short for the bound, and the rows that were looked at for them.
    page: Option<(String, u64)>,
    steps: u64,
    plan: Vec<String>,
    times: Vec<Duration>,
}

impl Answer {
    fn median(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }
}

#[tokio::test]
#[ignore = "a benchmark: `cargo xtask bench lists` runs it"]
async fn lists_of_many_keys() {
    let sizes = std::env::var(SIZES).unwrap_or_else(|_| SIZES_DEFAULT.to_owned());
    let mut stores = Vec::new();
    for size in sizes.split(',').map(|size| size.trim().parse().expect("a number of keys")) {
        let begun = Instant::now();
        let many = Many::fill(size).await;
        println!("{size} keys filled in {:.1} s", begun.elapsed().as_secs_f64());
        let (tenant, system) = (many.town.view().await, many.town.system_view().await);
        stores.push(Opened { reader: many.reader(), many, tenant, system });
    }
    let questions = questions(&stores[0].many);
    let mut answers: Vec<Vec<Answer>> = Vec::new();
    for question in &questions {
        let mut of_all: Vec<Answer> = Vec::new();
        for store in &mut stores {
            of_all.push(watched(store, &question.ask).await);
        }
        for _ in 0..ROUNDS {
            for (store, answer) in stores.iter_mut().zip(&mut of_all) {
                answer.times.push(put(store, &question.ask).await);
            }
        }
        println!("{}: {}", question.group, question.name);
        answers.push(of_all);
    }
    let report = report(&stores, &questions, &answers);
    match std::env::var(OUT) {
        Ok(path) => std::fs::write(path, report).unwrap(),
        Err(_) => println!("{report}"),
    }
}

fn questions(many: &Many) -> Vec<Question> {
    let mut all = Vec::new();
    let mut push = |group, name: String, ask| all.push(Question { group, name, ask });
    let list = |filter, sort, behind| Ask::List { filter, sort, behind };
    for (order, sort) in sorts() {
        push("The first page", order.to_owned(), list(None, sort, None));
    }
    let usual = ["-created_at", "name", "expires_at", "last_used_at"];
    let usual = || sorts().filter(move |(order, _)| usual.contains(order));
    for (order, sort) in usual() {
        for percent in [10, 50, 90] {
            let name = format!("{order}, behind {percent} % of the keys");
            push("A deep cursor", name, list(None, sort, Some(percent)));
        }
    }
    for (number, (filter, _)) in many.filters().into_iter().enumerate() {
        let group = if filter.starts_with("search") { "A search" } else { "A filter" };
        for (order, sort) in usual() {
            push(group, format!("{filter}; by {order}"), list(Some(number), sort, None));
        }
    }
    for (order, sort) in usual() {
        push("A search", format!("{}; by {order}", short_search().0), Ask::ShortSearch(sort));
    }
    let others = "What is not a list of keys";
    push(others, "a key by its id".to_owned(), Ask::KeyById);
    push(others, "a key by the digest of its secret".to_owned(), Ask::KeyByDigest);
    for at_most in [100, 10_000] {
        push(others, format!("live keys, for a plan that has {at_most}"), Ask::LiveKeys { at_most });
    }
    push(others, "members".to_owned(), Ask::Members);
    push(others, "service accounts".to_owned(), Ask::ServiceAccounts);
    push(others, "creating a key, without its COMMIT".to_owned(), Ask::Create);
    all
}

/// The list that is asked for, if one is.
fn list_of(many: &Many, reader: &Guarded, ask: &Ask) -> Option<(KeyFilter, KeySort, Page)> {
    let (filter, sort, after) = match ask {
        Ask::List { filter, sort, behind } => {
            let filter = filter.map_or_else(all, |number| many.filters().swap_remove(number).1);
            (filter, *sort, behind.map(|percent| many.place(reader, *sort, percent)))
        }
        Ask::ShortSearch(sort) => (short_search().1, *sort, None::<Position>),
        _ => return None,
    };
    Some((filter, sort, Page { limit: LIMIT, after }))
}

/// Puts a question once, and counts.
async fn watched(store: &mut Opened, ask: &Ask) -> Answer {
    let list = list_of(&store.many, &store.reader, ask);
    let page = list.map(|(filter, sort, page)| {
        let list = List::new(&filter, sort);
        let found = list.page(store.reader.raw(), Bounds::USUAL, &page).unwrap();
        let is_short = found.places.len() < page.limit as usize && found.next.is_some();
        (format!("{}{}", found.places.len(), if is_short { "+" } else { "" }), found.looked_at.into())
    });
    watch::begin();
    put(store, ask).await;
    let runs = watch::end();
    let plan = plans(&store.many.open(), &runs, page.is_some());
    Answer { page, steps: runs.iter().map(|run| run.steps).sum(), plan, times: Vec::new() }
}

/// How SQLite means to run what was run. That each key of a list is read by its id is told only once.
fn plans(guarded: &Guarded, runs: &[Run], is_list: bool) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let fetches = |run: &&Run| is_list && run.sql.contains("CROSS JOIN key_secrets");
    let fresh = runs.iter().filter(|run| !fetches(run)).filter(|run| seen.insert(run.sql.clone()));
    fresh.map(|run| plan(guarded, &run.sql).join("; ")).filter(|plan| !plan.is_empty()).collect()
}

/// Puts a question, and tells how long it took.
async fn put(store: &mut Opened, ask: &Ask) -> Duration {
    let list = list_of(&store.many, &store.reader, ask);
    let (acme, sample) = (store.many.town.acme.id, &store.many.sample);
    let page = Page { limit: LIMIT, after: None };
    let (tenant, system) = (&mut store.tenant, &mut store.system);
    let begun = Instant::now();
    match ask {
        Ask::List { .. } | Ask::ShortSearch(_) => {
            let (filter, sort, page) = list.unwrap();
            let begun = Instant::now();
            tenant.keys(&filter, sort, &page).await.unwrap();
            return begun.elapsed();
        }
        Ask::KeyById => drop(tenant.key(sample.id).await.unwrap().unwrap()),
        Ask::KeyByDigest => drop(system.key_by_digest(&sample.secret.digest).await.unwrap().unwrap()),
        Ask::LiveKeys { at_most } => {
            assert!(tenant.live_keys(sample.created_at, *at_most).await.unwrap() > 0);
        }
        Ask::Members => drop(tenant.members(acme, &page).await.unwrap()),
        Ask::ServiceAccounts => drop(tenant.service_accounts(acme, None, &page).await.unwrap()),
        Ask::Create => {
            let key = workspace_key("one more", acme, store.many.town.ada.id);
            let mut tx = store.many.town.begin().await;
            let begun = Instant::now();
            tx.insert_key(&key).await.unwrap();
            return begun.elapsed();
        }
    }
    begun.elapsed()
}

fn report(stores: &[Opened], questions: &[Question], answers: &[Vec<Answer>]) -> String {
    let sizes: Vec<String> = stores.iter().map(|store| thousands(store.many.keys)).collect();
    let (smallest, largest) = (&sizes[0], &sizes[sizes.len() - 1]);
    let head = format!(
        "| {} keys | keys of the page | rows looked at | instructions | time, to that with {smallest} | median with {largest} |\n\
         |---|--:|--:|--:|--:|--:|",
        sizes.join(" · ")
    );
    let (mut text, mut group) = (String::new(), "");
    for (question, of_all) in questions.iter().zip(answers) {
        if group != question.group {
            group = question.group;
            writeln!(text, "\n### {group}\n\n{head}").unwrap();
        }
        writeln!(text, "{}", line(&question.name, of_all)).unwrap();
    }
    text.push_str(&all_plans(questions, answers, largest));
    text
}

fn line(name: &str, of_all: &[Answer]) -> String {
    let each = |cell: &dyn Fn(&Answer) -> String| of_all.iter().map(cell).collect::<Vec<_>>().join(" · ");
    let page = |answer: &Answer| answer.page.clone().unwrap_or_default();
    let ms = |answer: &Answer| answer.median().as_secs_f64() * 1000.0;
    let ratios: Vec<String> =
        of_all[1..].iter().map(|answer| format!("{:.1}", ms(answer) / ms(&of_all[0]))).collect();
    let (keys, rows) = match of_all[0].page {
        Some(_) => (each(&|answer| page(answer).0), each(&|answer| thousands(page(answer).1))),
        None => (String::new(), String::new()),
    };
    let steps = each(&|answer| thousands(answer.steps));
    let median = ms(&of_all[of_all.len() - 1]);
    format!("| {name} | {keys} | {rows} | {steps} | {} | {median:.2} ms |", ratios.join(" · "))
}

/// Every plan once, with something that is answered by it.
fn all_plans(questions: &[Question], answers: &[Vec<Answer>], largest: &str) -> String {
    let mut by_plan: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (question, of_all) in questions.iter().zip(answers) {
        for plan in &of_all[of_all.len() - 1].plan {
            by_plan.entry(plan).or_default().push(&question.name);
        }
    }
    let mut text = format!("\n### Query plans with {largest} keys\n\n");
    for (plan, names) in by_plan {
        let more = if names.len() > 1 { format!(", and {} more", names.len() - 1) } else { String::new() };
        writeln!(text, "- {}{more}:\n  `{plan}`", names[0]).unwrap();
    }
    text
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}
