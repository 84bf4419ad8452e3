//! The commits of a session, a page at a time, the newest first.

use serde_json::{Value as Json, json};

use super::query::Query;
use super::refusal::Result;
use super::snapshot::Snapshot;
use crate::events;
use crate::term::date::utc;

/// Commits in one answer.
const MOST_COMMITS: u64 = 500;

/// Events of a commit that are told; of the others only how many there are.
const MOST_EVENTS: usize = 12;

/// A page of commits, and what stands in the journal.
///
/// # Errors
/// [`super::refusal::Refusal`].
pub(super) fn history(snapshot: &Snapshot, query: &Query) -> Result<Json> {
    let Some(session) = &snapshot.session else {
        return Ok(json!({ "journal": snapshot.journal.to_json(), "commits": [], "all": 0 }));
    };
    let log = session.log()?;
    let from = query.number("from", 0)?.min(log.len() as u64) as usize;
    let most = query.count("count", 100, MOST_COMMITS)? as usize;
    let commits = log.iter().rev().skip(from).take(most).map(|commit| {
        let told = commit.changes.iter().take(MOST_EVENTS);
        json!({
            "sequence": commit.sequence,
            "time": format!("{}Z", utc(commit.time, 3)),
            "bytes": commit.bytes,
            "counts": commit.counts,
            "events": told.map(events::json).collect::<Vec<_>>(),
            "more": commit.changes.len().saturating_sub(MOST_EVENTS),
        })
    });
    Ok(json!({
        "journal": snapshot.journal.to_json(),
        "from": from,
        "all": log.len(),
        "commits": commits.collect::<Vec<_>>(),
    }))
}
