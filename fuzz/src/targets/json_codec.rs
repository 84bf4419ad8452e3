//! The JSON of a value: what is read is written and read again as the same.

use achronyme_env::codec::{Codec, Json};

use crate::{look, measure};

/// Runs one input.
pub fn run(data: &[u8]) {
    // A tensor in text takes as many bytes as it holds, but for one that has none.
    measure::bounded(data.len(), 0, || {
        let codec = Json::default();
        let Ok(value) = codec.decode(data) else {
            return;
        };
        let text = codec.encode(&value).expect("what was read");
        let again = codec.decode(&text).expect("what was written");
        assert_eq!(look::value(&again), look::value(&value));
    });
}
