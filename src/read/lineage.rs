//! Where an archive comes from, as its preamble says.

use super::archive::Archive;

#[allow(dead_code, reason = "asked by sessions and deltas")]
impl Archive {
    /// Identity of the session whose journal belongs to this archive; zero when there is none.
    pub(crate) fn session_id(&self) -> [u8; 16] {
        self.preamble().session_id
    }

    /// Sequence of the last frame of that journal that is in this archive; 0 when none is.
    pub(crate) fn folded_sequence(&self) -> u64 {
        self.preamble().folded_sequence
    }

    /// Root digest of the archive this one was made from; zero when there is none.
    pub(crate) fn parent_digest(&self) -> [u8; 32] {
        self.preamble().parent_digest
    }
}

#[cfg(test)]
mod tests {
    use crate::Value;
    use crate::read::Archive;
    use crate::write::{ArchiveWriter, Lineage, SaveOptions};

    fn saved(options: &SaveOptions) -> (Archive, [u8; 32]) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.ach");
        let mut writer = ArchiveWriter::create(&path, options).unwrap();
        writer.add("x", Value::Integer(42)).unwrap();
        let report = writer.finish().unwrap();
        (Archive::open(&path).unwrap(), report.root_digest)
    }

    #[test]
    fn an_archive_says_where_it_comes_from() {
        let lineage = Lineage {
            session_id: *b"sixteen bytes id",
            folded_sequence: u64::MAX - 1,
            parent_digest: [7; 32],
        };
        let options = SaveOptions::new().created_at(0);
        let (archive, with) = saved(&options.clone().lineage(lineage));
        assert_eq!(archive.session_id(), lineage.session_id);
        assert_eq!(archive.folded_sequence(), lineage.folded_sequence);
        assert_eq!(archive.parent_digest(), lineage.parent_digest);
        assert!(archive.verify().unwrap().is_ok());

        let (archive, without) = saved(&options);
        assert_eq!(archive.session_id(), [0; 16]);
        assert_eq!(archive.folded_sequence(), 0);
        assert_eq!(archive.parent_digest(), [0; 32]);
        assert_ne!(with, without, "the root digest covers it");
    }
}
