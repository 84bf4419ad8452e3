//! The files of the page, which are part of the program.

/// A file of the page.
#[derive(Debug)]
pub(super) struct Asset {
    /// Its media type.
    pub(super) media_type: &'static str,
    /// Its text.
    pub(super) text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! assets {
    ($($name:literal => $media_type:expr, $file:literal;)*) => {
        /// The file of that name.
        pub(super) fn asset(name: &str) -> Option<Asset> {
            match name {
                $($name => Some(Asset {
                    media_type: $media_type,
                    text: include_str!(concat!("page/", $file)),
                }),)*
                _ => None,
            }
        }
    };
}

assets! {
    "" => HTML, "index.html";
    "style.css" => CSS, "style.css";
    "icon.svg" => SVG, "icon.svg";
    "main.js" => SCRIPT, "main.js";
    "address.js" => SCRIPT, "address.js";
    "ask.js" => SCRIPT, "ask.js";
    "text.js" => SCRIPT, "text.js";
    "tree.js" => SCRIPT, "tree.js";
    "variable.js" => SCRIPT, "variable.js";
    "structure.js" => SCRIPT, "structure.js";
    "axes.js" => SCRIPT, "axes.js";
    "line.js" => SCRIPT, "line.js";
    "scale.js" => SCRIPT, "scale.js";
    "grid.js" => SCRIPT, "grid.js";
    "table.js" => SCRIPT, "table.js";
    "writing.js" => SCRIPT, "writing.js";
    "statistics.js" => SCRIPT, "statistics.js";
    "file.js" => SCRIPT, "file.js";
    "layout.js" => SCRIPT, "layout.js";
    "history.js" => SCRIPT, "history.js";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_nothing_outside_itself() {
        let page = asset("").unwrap().text;
        for name in page.split('"').filter_map(|part| part.strip_prefix("./")) {
            assert!(asset(name).is_some(), "{name}");
        }
        let mut waiting = vec!["main.js".to_owned()];
        let mut seen = Vec::new();
        while let Some(name) = waiting.pop() {
            let text = asset(&name).unwrap_or_else(|| panic!("{name}")).text;
            assert!(!text.contains("innerHTML"), "{name}");
            assert!(
                !text.contains("http://www") && !text.contains("https://"),
                "{name}"
            );
            for other in text.split('"').filter_map(|part| part.strip_prefix("./")) {
                if other.ends_with(".js") && !seen.contains(&other.to_owned()) {
                    waiting.push(other.to_owned());
                }
            }
            seen.push(name);
        }
        assert!(seen.len() > 10);
    }
}
