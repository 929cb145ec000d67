//! `keyward usage`

mod follow;
mod line;
mod list;
mod summary;

use std::net::IpAddr;

use keyward_wire::usage::UsageGap;

use super::connection::Connection;
use super::duration::{Past, parse_past};
use super::failure::Failure;
use super::names::KeyId;
use super::pages::HowMany;
use super::place::{Place, PlaceFlags};
use super::{clock, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward usage key_01jd8xq2m0e6vt5r3n7k9c4wzb
  keyward usage key_01jd8xq2m0e6vt5r3n7k9c4wzb --follow
  keyward usage key_01jd8xq2m0e6vt5r3n7k9c4wzb --code ip_not_allowed --from 7d
  keyward usage key_01jd8xq2m0e6vt5r3n7k9c4wzb --summary --bucket day --from 30d
  keyward usage key_01jd8xq2m0e6vt5r3n7k9c4wzb --all --json | jq -r '.items[].ip' | sort | uniq -c";

/// Show what became of the uses of a key, the latest first
///
/// Every request with the key is a use, allowed or not: what the data plane was asked about, and requests to the API. It
/// says so where some uses may be missing, because a server was killed or had too much to write.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Usage {
    /// The key, by its id; `keyward keys list` shows it
    id: KeyId,
    #[command(flatten)]
    place: PlaceFlags,
    /// Only uses with this outcome: valid, or why not, such as expired or revoked
    #[arg(long, value_name = "CODE", conflicts_with = "summary")]
    code: Option<String>,
    /// Only uses from this address
    #[arg(long, value_name = "ADDRESS", conflicts_with = "summary")]
    ip: Option<IpAddr>,
    /// From that time on: how long ago (such as 7d), or a time (such as 2027-01-31T00:00:00Z)
    #[arg(long, visible_alias = "since", value_name = "WHEN", value_parser = parse_past)]
    from: Option<Past>,
    /// Before that time, written as that of --from
    #[arg(long, visible_alias = "until", value_name = "WHEN", value_parser = parse_past)]
    to: Option<Past>,
    /// Show the last few, the latest last, and then each new one as it comes, until you press Ctrl-C
    #[arg(long, short, conflicts_with_all = ["to", "limit", "all", "summary"])]
    follow: bool,
    /// Count by outcome instead, in each hour or day
    #[arg(long, conflicts_with_all = ["limit", "all"])]
    summary: bool,
    /// What to count by (hours and days are those of UTC)
    #[arg(long, value_name = "BUCKET", value_parser = ["hour", "day"], requires = "summary")]
    bucket: Option<String>,
    #[command(flatten)]
    how_many: HowMany,
    /// Print JSON; with --follow a line for each use
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(usage: &Usage) -> Result<(), Failure> {
    let api = usage.connection.open()?;
    let place = usage.place.resolve(&api)?;
    if usage.summary {
        summary::run(usage, &api, &place)
    } else if usage.follow {
        follow::run(usage, &api, &place)
    } else {
        list::run(usage, &api, &place)
    }
}

impl Usage {
    fn path(&self, place: &Place) -> String {
        format!("{}/usage", place.key_path(&self.id))
    }

    /// The times that are meant, as the server reads them.
    fn times(&self) -> (Option<String>, Option<String>) {
        let now = clock::now();
        let time = |past: Option<Past>| past.map(|past| past.before(now).to_string());
        (time(self.from), time(self.to))
    }
}

/// Says of which times uses may be missing.
fn say_gaps(gaps: &[UsageGap]) {
    for gap in gaps {
        let why = match gap.reason.as_str() {
            "killed" => "the server did not end in order",
            "dropped" => "more came than could be written",
            other => other,
        };
        let time = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        terminal::say(format!(
            "Some uses between {} and {} may be missing: {why} (node {}).",
            time(gap.from),
            time(gap.to),
            gap.node
        ));
    }
}
