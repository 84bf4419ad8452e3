//! What the journal beside an archive adds to it, and how that is told.

use std::path::Path;

use achronyme_env::{EnvError, JournalDamage, JournalInfo, SessionReader};
use serde_json::{Value as Json, json};

use crate::error::{aside, note, shown};
use crate::listing::hex;

/// How files are read.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Reading {
    /// Only the archive, without what its journal says
    #[arg(long)]
    pub(crate) archive_only: bool,
    /// Do not tell on standard error that a journal was read too
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// The journal beside an archive that was opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    /// Its figures; none when it was not looked at.
    pub(crate) info: Option<JournalInfo>,
    /// What of it does not count.
    pub(crate) damage: Vec<JournalDamage>,
    /// Why it was not read.
    unread: Option<String>,
    /// Who has the session open for writing, in words.
    pub(crate) writer: Option<String>,
}

impl Beside {
    /// The journal that a reader stands on.
    ///
    /// # Errors
    /// What reading answers.
    pub(crate) fn of(reader: &SessionReader) -> Result<Beside, EnvError> {
        let mut damage = reader.damage()?;
        // Who may not read the lock file may read the archive all the same.
        let writer = reader.writer().unwrap_or(None);
        if writer.is_some() {
            // Somebody is about to write there.
            damage.clear();
        }
        Ok(Beside {
            info: Some(reader.journal()?),
            damage,
            unread: None,
            writer,
        })
    }

    /// A journal that was not read, since it does not belong to the archive.
    pub(crate) fn unread(error: &EnvError) -> Beside {
        Beside {
            unread: Some(error.to_string()),
            ..Beside::default()
        }
    }

    /// Number of commits that stand in the journal only.
    pub(crate) fn commits(&self) -> u64 {
        self.info.as_ref().map_or(0, |info| info.commits)
    }

    /// `3 commits from run.ach-journal`, when there are any.
    pub(crate) fn source(&self) -> Option<String> {
        let info = self.info.as_ref().filter(|info| info.commits > 0)?;
        let journal = info.path.as_deref().and_then(Path::file_name);
        let journal = shown(Path::new(journal.unwrap_or_default()));
        Some(format!("{} from {journal}", commits(info.commits)))
    }

    /// Tells on standard error what was read beside the archive at `path`, and what was not.
    pub(crate) fn tell(&self, path: &Path, quiet: bool) {
        if let Some(reason) = &self.unread {
            let path = shown(path);
            note(&format!("{path} is read without its journal: {reason}"));
        }
        if let Some(source) = self.source().filter(|_| !quiet) {
            aside(&format!("{}: with {source}", shown(path)));
        }
        self.damage.iter().for_each(|damage| {
            note(&format!("{damage}; the next edit moves them aside"));
        });
    }

    /// The same as it stands in JSON: null where there is no journal and never was a session.
    pub(crate) fn to_json(&self) -> Json {
        let info = self.info.as_ref();
        let session = info.and_then(|info| info.session_id);
        if session.is_none() && self.damage.is_empty() && self.unread.is_none() {
            return Json::Null;
        }
        let path = info.and_then(|info| info.path.as_deref());
        json!({
            "path": path.map(Path::to_string_lossy),
            "session": session.map(|id| hex(&id)),
            "sequence": info.map(|info| info.sequence),
            "folded_sequence": info.map(|info| info.folded_sequence),
            "commits": self.commits(),
            "length": info.map_or(0, |info| info.len),
            "writer": self.writer,
            "damage": self.damage.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "unread": self.unread,
        })
    }
}

/// `1 commit`, `2 commits`.
pub(crate) fn commits(count: u64) -> String {
    let unit = if count == 1 { "commit" } else { "commits" };
    format!("{count} {unit}")
}
