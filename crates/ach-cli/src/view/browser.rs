//! Opening the browser without telling everybody the address.

use std::io::Write;

use tempfile::NamedTempFile;

use super::address::Address;

/// Opens the browser at `address`. What it is started with every user of the machine can see, so that
/// is a file only this user can read, which leads on to the address; it goes when the result is dropped.
/// `None` where there is no display.
///
/// # Errors
/// Why no browser was opened, in words.
pub(super) fn open(address: &Address) -> Result<Option<NamedTempFile>, String> {
    if !has_display() {
        return Ok(None);
    }
    let page = page(address).map_err(|e| e.to_string())?;
    open::that_detached(page.path()).map_err(|e| e.to_string())?;
    Ok(Some(page))
}

/// Whether there is somewhere to open a window.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// A page that leads on, readable by its owner only.
fn page(address: &Address) -> std::io::Result<NamedTempFile> {
    let mut page = tempfile::Builder::new()
        .prefix("ach-view-")
        .suffix(".html")
        .tempfile()?;
    let url = address.url();
    writeln!(
        page,
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
         <meta http-equiv=\"refresh\" content=\"0; url={url}\"><a href=\"{url}\">ach view</a>"
    )?;
    page.flush()?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_that_leads_on_is_its_owners_alone() {
        let address = Address::new(9).unwrap();
        let page = page(&address).unwrap();
        let text = std::fs::read_to_string(page.path()).unwrap();
        assert!(text.contains(&address.url()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = page.as_file().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
    }
}
