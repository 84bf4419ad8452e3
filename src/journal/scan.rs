//! Walking the frames of one segment, in windows of a mebibyte.
