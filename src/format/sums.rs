//! Content digests and the root digest.

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

use super::extent::DigestKind;

/// Bytes hashed as one piece. The digest of more is the digest of the digests of its pieces, so
/// that one large array keeps all cores busy.
pub(crate) const PIECE_BYTES: usize = 1 << 20;

/// The digest of one piece: the first bytes count, the others are zero.
pub(crate) fn piece_digest(kind: DigestKind, piece: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    match kind {
        DigestKind::None => {}
        DigestKind::Xxh3 => {
            digest[..16].copy_from_slice(&xxhash_rust::xxh3::xxh3_128(piece).to_be_bytes());
        }
        DigestKind::Sha256 => digest.copy_from_slice(&Sha256::digest(piece)),
    }
    digest
}

/// The digest of an array from the digests of its pieces, in order.
pub(crate) fn combine(kind: DigestKind, pieces: &[[u8; 32]]) -> [u8; 32] {
    if let [only] = pieces {
        return *only;
    }
    let mut digest = [0; 32];
    match kind {
        DigestKind::None => {}
        DigestKind::Xxh3 => {
            let mut hasher = Xxh3::new();
            for piece in pieces {
                hasher.update(&piece[..16]);
            }
            digest[..16].copy_from_slice(&hasher.digest128().to_be_bytes());
        }
        DigestKind::Sha256 => {
            let mut hasher = Sha256::new();
            for piece in pieces {
                hasher.update(piece);
            }
            digest.copy_from_slice(&hasher.finalize());
        }
    }
    digest
}

/// The digest of one piece of header and table.
pub(crate) fn root_piece(piece: &[u8]) -> [u8; 32] {
    Sha256::digest(piece).into()
}

/// The root digest from the digests of all pieces, in order.
pub(crate) fn root_of_pieces(pieces: impl Iterator<Item = [u8; 32]>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    pieces.for_each(|piece| hasher.update(piece));
    hasher.finalize().into()
}

/// The root digest of an archive: SHA-256 over header and table, in pieces of 1 MiB.
pub(crate) fn root_digest(header: &[u8], table: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut pieces = Sha256::new();
    let mut room = PIECE_BYTES;
    for mut part in [header, table] {
        while !part.is_empty() {
            let (now, later) = part.split_at(part.len().min(room));
            hasher.update(now);
            room -= now.len();
            part = later;
            if room == 0 {
                pieces.update(hasher.finalize_reset());
                room = PIECE_BYTES;
            }
        }
    }
    if room < PIECE_BYTES {
        pieces.update(hasher.finalize());
    }
    pieces.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        assert_eq!(crc32fast::hash(b"hello"), 0x3610_a686);
        let sha = piece_digest(DigestKind::Sha256, b"abc");
        assert_eq!(sha[..4], [0xba, 0x78, 0x16, 0xbf]);
        // Several block counts: a release of sha2 once gave wrong digests for some of them.
        let mut all = Sha256::new();
        for len in [
            0usize, 1, 55, 56, 63, 64, 65, 127, 128, 255, 1000, 4096, 65_537,
        ] {
            all.update(piece_digest(DigestKind::Sha256, &vec![0x5a; len]));
        }
        let hex: String = all.finalize().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "459b66fdbdbe43a73ad31a9f6631d80d3e5f1bb820d9b4a825aaf574ad087ae7"
        );
        let xxh = piece_digest(DigestKind::Xxh3, b"");
        assert_eq!(xxh[..4], [0x99, 0xaa, 0x06, 0xd3]);
    }

    #[test]
    fn the_root_digest_does_not_depend_on_where_header_ends() {
        let bytes: Vec<u8> = (0..3_000_000u32).map(|i| i as u8).collect();
        let (a, b) = bytes.split_at(64);
        let (c, d) = bytes.split_at(2_000_000);
        assert_eq!(root_digest(a, b), root_digest(c, d));
    }
}
