//! Nodes of structured values, in an archive that is otherwise as it must be.
//!
//! An input is the number of shared nodes (a byte), and then nodes, each behind its length (two bytes).

use achronyme_env::OpenOptions;

use crate::reseal::{Entry, Extent, Handmade};
use crate::{look, measure};

/// The most nodes of an input.
const MOST_NODES: usize = 64;

/// Runs one input.
pub fn run(data: &[u8]) {
    let Some((shared, mut rest)) = data.split_first() else {
        return;
    };
    let mut nodes = Vec::new();
    while let Some((len, after)) = rest.split_first_chunk() {
        let len = usize::from(u16::from_le_bytes(*len)).min(after.len());
        let (node, after) = after.split_at(len);
        let mut node = node.to_vec();
        node.resize(len.next_multiple_of(8).max(8), 0);
        nodes.push(node);
        rest = after;
        if nodes.len() == MOST_NODES {
            break;
        }
    }
    if nodes.is_empty() {
        return;
    }
    let shared = usize::from(*shared) % nodes.len();
    let bytes = around(nodes, shared as u32);
    let archive = OpenOptions::new().limits(look::limits()).from_bytes(&bytes);
    let archive = archive.expect("nothing is wrong with the table");
    let declared = look::declared(&archive);
    let lines = measure::bounded(bytes.len(), declared, || look::archive(&archive));
    let report = measure::bounded(bytes.len(), declared, || archive.verify()).expect("in memory");
    if report.is_ok() {
        assert!(
            !lines.iter().any(|line| line.starts_with("damaged: ")),
            "{lines:?}"
        );
    }
}

/// An archive of these nodes, and of a few extents they may name.
fn around(nodes: Vec<Vec<u8>>, shared_count: u32) -> Vec<u8> {
    let top = nodes.len() as u32 - shared_count - 1;
    let offsets: Vec<u8> = [0u64, 1, 3, 3]
        .into_iter()
        .flat_map(u64::to_le_bytes)
        .collect();
    let file = Handmade {
        entries: vec![Entry::node("x", top)],
        extents: vec![
            Extent::raw(b"abc"),
            Extent::raw(&offsets),
            Extent::raw(&[1; 24]),
            Extent::raw(&[b'x'; 70_000]),
        ],
        nodes,
        shared_count,
        ..Handmade::default()
    };
    file.bytes()
}
