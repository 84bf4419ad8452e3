//! One module for each target: what is done with the bytes of an input, and what must hold then.

pub mod archive;
pub mod cold_blocks;
pub mod delta;
pub mod header_table;
pub mod import_csv;
pub mod import_json;
pub mod import_npy;
pub mod import_npz;
pub mod import_safetensors;
mod imports;
pub mod journal;
pub mod json_codec;
pub mod message;
pub mod nodes;
pub mod paths;
pub mod salvage;
pub mod terminal;
pub mod value_image;
pub mod version1;
