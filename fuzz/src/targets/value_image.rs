//! A value image: read as a value, and looked at where it is.

use achronyme_env::{Buffer, ValueImage, deserialize_value, serialize_value};

use crate::{look, measure, seal};

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut bytes = data.to_vec();
    seal::image(&mut bytes);
    // An image has no caps of its own: what unpacks to gigabytes is not tried.
    if seal::image_declares_more_than(&bytes, look::MOST_RAW_BYTES) {
        return;
    }
    let declared = bytes.len() as u64 / 72 * look::MOST_RAW_BYTES;
    let whole = measure::bounded(bytes.len(), declared, || {
        let value = deserialize_value(&bytes).map_err(|error| look::told(&error))?;
        let text = look::value(&value);
        if look::is_sound(&text)
            && let Ok(again) = serialize_value(&value)
        {
            let again = deserialize_value(&again).expect("what was written");
            assert_eq!(look::value(&again), text, "written and read again");
        }
        Ok::<_, String>(text)
    });
    let image = ValueImage::open(bytes.clone());
    let Ok(image) = image else {
        assert!(whole.is_err(), "{image:?}");
        return;
    };
    measure::bounded(bytes.len(), declared, || {
        if let Ok(view) = image.view() {
            look::view(&view);
        }
        let value = image.value().map(|value| look::value(&value));
        if let Ok(text) = whole {
            assert_eq!(value.expect("it was read"), text);
        }
    });
    // Aligned memory is borrowed.
    let buffer = Buffer::copied(&bytes).expect("memory");
    let _ = deserialize_value(buffer.as_bytes());
}
