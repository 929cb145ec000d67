//! How long something took, in buckets.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// The upper ends of the buckets: nanoseconds, and as Prometheus reads them, in seconds. A decision takes a few microseconds; what
/// is beyond a millisecond was held up by something else.
const BOUNDS: [(u64, &str); 12] = [
    (1_000, "0.000001"),
    (2_500, "0.0000025"),
    (5_000, "0.000005"),
    (10_000, "0.00001"),
    (25_000, "0.000025"),
    (50_000, "0.00005"),
    (100_000, "0.0001"),
    (250_000, "0.00025"),
    (1_000_000, "0.001"),
    (10_000_000, "0.01"),
    (100_000_000, "0.1"),
    (1_000_000_000, "1"),
];

/// Times since the start, counted by bucket.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BOUNDS.len()],
    /// What was longer than the last bound.
    longer: AtomicU64,
    sum_ns: AtomicU64,
}

impl Histogram {
    pub(super) fn observe(&self, ns: u64) {
        let place = BOUNDS.partition_point(|(bound, _)| *bound < ns);
        self.buckets.get(place).unwrap_or(&self.longer).fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Writes it down under that name, each line with that label.
    pub(super) fn write(&self, text: &mut String, name: &str, label: &str) {
        let mut count = 0_u64;
        for ((_, bound), bucket) in BOUNDS.iter().zip(&self.buckets) {
            count += bucket.load(Ordering::Relaxed);
            let _ = writeln!(text, "{name}_bucket{{{label},le=\"{bound}\"}} {count}");
        }
        count += self.longer.load(Ordering::Relaxed);
        let _ = writeln!(text, "{name}_bucket{{{label},le=\"+Inf\"}} {count}");
        let sum_ns = self.sum_ns.load(Ordering::Relaxed);
        let (seconds, rest) = (sum_ns / 1_000_000_000, sum_ns % 1_000_000_000);
        let _ = writeln!(text, "{name}_sum{{{label}}} {seconds}.{rest:09}");
        let _ = writeln!(text, "{name}_count{{{label}}} {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_in_its_bucket_and_in_all_above() {
        let histogram = Histogram::default();
        for ns in [0, 1_000, 1_001, 40_000, 3_000_000_000] {
            histogram.observe(ns);
        }
        let mut text = String::new();
        histogram.write(&mut text, "took", "door=\"a\"");
        for line in [
            "took_bucket{door=\"a\",le=\"0.000001\"} 2\n",
            "took_bucket{door=\"a\",le=\"0.0000025\"} 3\n",
            "took_bucket{door=\"a\",le=\"0.000025\"} 3\n",
            "took_bucket{door=\"a\",le=\"0.00005\"} 4\n",
            "took_bucket{door=\"a\",le=\"1\"} 4\n",
            "took_bucket{door=\"a\",le=\"+Inf\"} 5\n",
            "took_sum{door=\"a\"} 3.000042001\n",
            "took_count{door=\"a\"} 5\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn the_bounds_ascend_and_say_the_same_twice() {
        assert!(BOUNDS.is_sorted_by(|(a, _), (b, _)| a < b));
        for (ns, text) in BOUNDS {
            let digits = text.split_once('.').map_or("", |(_, digits)| digits);
            let whole = if digits.is_empty() { 1_000_000_000 } else { 0 };
            let fraction: u64 = format!("{digits:0<9}").parse().unwrap();
            let fraction = if digits.is_empty() { 0 } else { fraction };
            // Half a microsecond has more digits than nanoseconds have, but none of them counts.
            assert_eq!(whole + fraction, ns, "{text}");
        }
    }
}
