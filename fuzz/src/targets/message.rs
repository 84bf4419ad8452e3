//! A stream of messages, as it comes over a pipe.

use achronyme_env::{BufferPool, MessageReader};

use crate::{look, measure, seal};

/// The longest payload, unpacked.
const MOST: u64 = 1 << 20;

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut bytes = data.to_vec();
    seal::frames(&mut bytes, None);
    let messages = bytes.len() as u64 / 64 + 1;
    measure::bounded(bytes.len(), 2 * MOST * messages.min(16), || {
        let mut reader = MessageReader::new(&bytes[..])
            .most_bytes(MOST)
            .pool(BufferPool::new(4 * MOST));
        while let Ok(Some(message)) = reader.receive() {
            assert!(message.payload().len() as u64 <= MOST);
            let _ = (message.id(), message.time(), message.version());
            assert!(message.content_type().contains('/'));
            if seal::image_declares_more_than(message.payload(), MOST) {
                continue;
            }
            if let Ok(value) = message.value() {
                look::value(&value);
            }
            if let Ok(image) = message.image()
                && let Ok(view) = image.view()
            {
                look::view(&view);
            }
        }
    });
}
