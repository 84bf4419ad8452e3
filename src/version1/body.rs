//! The body: metadata, and a map from names to values; and what they say that does not agree.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::decoder::Decoder;
use super::messagepack::Item;
use super::metadata::Version1Metadata;
use crate::error::Result;
use crate::finding::{Finding, Outcome};
use crate::value::Value;

/// Names shown in a finding about names.
const NAMES_SHOWN: usize = 3;
/// Bytes a binding takes beside its name and its value, about.
const BINDING_BYTES: usize = 64;

/// What a body holds.
pub(super) struct Body {
    pub(super) metadata: Version1Metadata,
    /// Sorted by name.
    pub(super) bindings: Vec<(String, Value)>,
    pub(super) findings: Vec<Finding>,
    /// Bytes of the body, decompressed.
    pub(super) len: u64,
}

/// Reads a body to its end; `metadata` holds what the header says.
pub(super) fn read(mut decoder: Decoder<'_>, metadata: Version1Metadata) -> Result<Body> {
    let mut body = Body {
        metadata,
        bindings: Vec::new(),
        findings: Vec::new(),
        len: 0,
    };
    let mut names = BTreeSet::new();
    let mut says_names = false;
    decoder.structure("the body", ["metadata", "bindings"], 2, |decoder, field| {
        match field {
            0 => says_names = metadata_fields(decoder, &mut body.metadata)?,
            _ => (body.bindings, names) = bindings(decoder)?,
        }
        Ok(())
    })?;
    let stray = decoder.stream.finish()?;
    body.len = decoder.stream.position();
    let findings = decoder.findings.into_iter();
    body.findings = findings.map(|(_, finding)| finding).collect();
    let mut warn = |text: String| {
        body.findings
            .push(Finding::new("", "", Outcome::Warning, text));
    };
    if stray > 0 {
        let bytes = if stray == 1 {
            "byte stands"
        } else {
            "bytes stand"
        };
        warn(format!(
            "{stray} {bytes} after the end of the values; nothing was read from there"
        ));
    }
    contradictions(&body.metadata, says_names, &names, &mut warn);
    Ok(body)
}

/// Whether the metadata say other names or another number than the file holds.
fn contradictions(
    metadata: &Version1Metadata,
    says_names: bool,
    held: &BTreeSet<String>,
    warn: &mut impl FnMut(String),
) {
    let (said, found) = (u64::from(metadata.num_bindings), held.len() as u64);
    if said != found {
        warn(format!(
            "its metadata count {said} variables, it holds {found}"
        ));
    }
    if !says_names {
        return;
    }
    let said: BTreeSet<&String> = metadata.binding_names.iter().collect();
    let missing: Vec<&String> = said
        .iter()
        .copied()
        .filter(|name| !held.contains(*name))
        .collect();
    let unsaid: Vec<&String> = held.iter().filter(|name| !said.contains(name)).collect();
    if !missing.is_empty() {
        warn(format!(
            "its metadata name {}, which it does not hold",
            some(&missing)
        ));
    }
    if !unsaid.is_empty() {
        warn(format!(
            "it holds {}, which its metadata do not name",
            some(&unsaid)
        ));
    }
}

fn some(names: &[&String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(NAMES_SHOWN)
        .map(|name| crate::name::quoted(name))
        .collect();
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Reads the metadata; gives whether they say the names of the bindings.
fn metadata_fields(decoder: &mut Decoder<'_>, metadata: &mut Version1Metadata) -> Result<bool> {
    let names = [
        "created_by",
        "created_at",
        "platform",
        "num_bindings",
        "description",
        "tags",
        "custom",
        "binding_names",
    ];
    let seen = decoder.structure("the metadata", names, 4, |decoder, field| {
        match field {
            0 => metadata.created_by = decoder.text("created_by")?,
            1 => metadata.created_at = decoder.text("created_at")?,
            2 => metadata.platform = decoder.text("platform")?,
            3 => {
                let number = decoder.unsigned("num_bindings")?;
                let fits = u32::try_from(number);
                metadata.num_bindings =
                    fits.map_err(|_| decoder.wrong("num_bindings does not fit 32 bits"))?;
            }
            4 => metadata.description = description(decoder)?,
            5 => metadata.tags = texts(decoder, "the tags")?,
            6 => metadata.custom = pairs(decoder)?,
            _ => metadata.binding_names = texts(decoder, "binding_names")?,
        }
        Ok(())
    })?;
    Ok(seen[7])
}

fn description(decoder: &mut Decoder<'_>) -> Result<Option<String>> {
    match decoder.stream.item()? {
        Item::Null => Ok(None),
        Item::Text(len) | Item::Bytes(len) => decoder.text_of(len, "the description").map(Some),
        found => Err(decoder.expected("the description, text or nil,", found)),
    }
}

fn texts(decoder: &mut Decoder<'_>, what: &str) -> Result<Vec<String>> {
    let len = match decoder.stream.item()? {
        Item::Array(len) => len,
        found => return Err(decoder.expected(&format!("{what}, an array,"), found)),
    };
    let mut texts = Vec::new();
    for _ in 0..len {
        decoder.charge(size_of::<String>() as u64)?;
        texts.push(decoder.text(what)?);
    }
    Ok(texts)
}

fn pairs(decoder: &mut Decoder<'_>) -> Result<Vec<(String, String)>> {
    let len = match decoder.stream.item()? {
        Item::Map(len) => len,
        found => return Err(decoder.expected("custom metadata, a map,", found)),
    };
    let mut pairs = BTreeMap::new();
    for _ in 0..len {
        decoder.charge(2 * size_of::<String>() as u64)?;
        let key = decoder.text("a key of the custom metadata")?;
        pairs.insert(key, decoder.text("custom metadata")?);
    }
    Ok(pairs.into_iter().collect())
}

/// The bindings, sorted by name, and the names of all that the file holds, those without a value
/// too. Of a name given twice the last counts.
type Bindings = (Vec<(String, Value)>, BTreeSet<String>);

fn bindings(decoder: &mut Decoder<'_>) -> Result<Bindings> {
    let len = match decoder.stream.item()? {
        Item::Map(len) => len,
        found => return Err(decoder.expected("the variables, a map,", found)),
    };
    let mut bindings: BTreeMap<String, (u64, Option<Value>)> = BTreeMap::new();
    let mut twice = BTreeSet::new();
    let mut dropped = HashSet::new();
    for _ in 0..len {
        let name = decoder.text("the name of a variable")?;
        decoder.charge((2 * name.len() + BINDING_BYTES + size_of::<Value>()) as u64)?;
        let turn = decoder.begin(name.clone());
        let value = decoder
            .binding()
            .map_err(|error| error.of_variable(&name))?;
        if let Some((earlier, _)) = bindings.insert(name.clone(), (turn, value)) {
            decoder.charge((name.len() + BINDING_BYTES) as u64)?;
            dropped.insert(earlier);
            twice.insert(name);
        }
    }
    // What was found about a value that is not kept is about nothing.
    let findings = &mut decoder.findings;
    findings.retain(|(turn, _)| !dropped.contains(turn));
    for name in twice {
        decoder.begin(name);
        let reason = "the file gives this name more than once; the last value counts".to_owned();
        decoder.find("", Outcome::Warning, reason)?;
    }
    decoder.begin(String::new());
    // The order of names in the file is another in each run of its writer.
    decoder.findings.sort_by(|(_, a), (_, b)| {
        let (a, b) = ([&a.name, &a.path], [&b.name, &b.path]);
        a.cmp(&b)
    });
    let names = bindings.keys().cloned().collect();
    let present = bindings
        .into_iter()
        .filter_map(|(name, (_, value))| Some((name, value?)));
    Ok((present.collect(), names))
}
