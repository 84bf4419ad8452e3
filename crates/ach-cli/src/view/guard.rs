//! Which requests are answered at all, and what every answer says of itself.

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode, Uri};

use super::address::Address;

/// Why a request is not answered: the status, and a line for who looks.
pub(super) type Refused = (StatusCode, &'static str);

/// What follows the secret in the path of a request that may be answered.
///
/// # Errors
/// The status and the line to answer with.
pub(super) fn admit<'u>(
    address: &Address,
    method: &Method,
    uri: &'u Uri,
    headers: &HeaderMap,
) -> Result<&'u str, Refused> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    if !host.is_some_and(|host| address.is_host(host)) || hosts.next().is_some() {
        return Err((
            StatusCode::MISDIRECTED_REQUEST,
            "this server is 127.0.0.1 and goes by no other name\n",
        ));
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let own = origin
            .to_str()
            .is_ok_and(|origin| address.is_origin(origin));
        if !own {
            return Err((StatusCode::FORBIDDEN, "asked for by another site\n"));
        }
    }
    let Some(rest) = address.below(uri.path()) else {
        return Err((
            StatusCode::FORBIDDEN,
            "the address needs the secret that `ach view` printed\n",
        ));
    };
    if method != Method::GET {
        return Err((
            StatusCode::METHOD_NOT_ALLOWED,
            "this server only shows: GET\n",
        ));
    }
    Ok(rest)
}

/// What stands in the head of every answer: nothing from elsewhere is loaded or run, nothing is kept,
/// nobody may frame the page or learn its address.
pub(super) const HEADERS: [(HeaderName, HeaderValue); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    ),
];
