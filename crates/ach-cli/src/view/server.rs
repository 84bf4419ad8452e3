//! The server: HTTP on 127.0.0.1, one thread for the wire and a few that read.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use achronyme_env::read_cancellable;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::address::Address;
use super::answers::{Answer, answer};
use super::assets::asset;
use super::guard::{HEADERS, admit};
use super::query::Query;
use super::refusal::Refusal;
use super::snapshot::Shelf;
use crate::error::{Failure, Result};

/// How long one question may read.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How long a browser may take to send the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// Questions that are read for at the same time; the others wait.
const READERS: usize = 4;

/// Connections that have not shown the secret; of more, the oldest is closed. Whoever may use the
/// machine can open some, and would otherwise keep the page from its owner.
const STRANGERS: usize = 32;

/// A port of 127.0.0.1 that is ours.
#[derive(Debug)]
pub(super) struct Listener {
    listener: TcpListener,
    port: u16,
}

type Body = Response<Full<Bytes>>;

/// What all requests share.
struct Shared {
    shelf: Arc<Shelf>,
    address: Arc<Address>,
    readers: Semaphore,
}

impl Listener {
    /// Takes a port of 127.0.0.1; with 0 any that is free.
    ///
    /// # Errors
    /// When it cannot be had.
    pub(super) fn bind(port: u16) -> Result<Listener> {
        let refused = |e: std::io::Error| {
            let way_out = match port {
                0 => "",
                _ => "; without --port any free one is taken",
            };
            Failure::refused(format!("cannot listen at 127.0.0.1:{port}: {e}{way_out}"))
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let port = listener.local_addr().map_err(refused)?.port();
        Ok(Listener { listener, port })
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Serves until the process is told to stop. `ready` is called once that ends no more than the
    /// server; what it returns is dropped then.
    ///
    /// # Errors
    /// When the system refuses what a server needs.
    pub(super) fn serve<G>(
        self,
        shelf: Arc<Shelf>,
        address: Arc<Address>,
        ready: impl FnOnce() -> G,
    ) -> Result<()> {
        let failed = |e: std::io::Error| Failure::refused(format!("cannot serve the page: {e}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(READERS + 1)
            .build()
            .map_err(failed)?;
        let shared = Arc::new(Shared {
            shelf,
            address,
            readers: Semaphore::new(READERS),
        });
        let served = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let stop = Stop::new()?;
            let _held = ready();
            let accepting = tokio::spawn(accept(listener, shared));
            let end = stop.asked_for().await;
            accepting.abort();
            end
        });
        // What still reads is not waited for: it only reads.
        runtime.shutdown_background();
        served.map_err(failed)
    }
}

/// Takes connections until it is aborted.
async fn accept(listener: tokio::net::TcpListener, shared: Arc<Shared>) {
    let mut strangers: VecDeque<(Arc<AtomicBool>, AbortHandle)> = VecDeque::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let is_known = Arc::new(AtomicBool::new(false));
                let served = connection(stream, Arc::clone(&shared), Arc::clone(&is_known));
                let served = tokio::spawn(served).abort_handle();
                strangers.retain(|(is_known, task)| !is_known.load(Relaxed) && !task.is_finished());
                strangers.push_back((is_known, served));
                if strangers.len() > STRANGERS
                    && let Some((_, oldest)) = strangers.pop_front()
                {
                    oldest.abort();
                }
            }
            // Too many files are open, or the other side left: the next may do.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// What tells the process to stop: Ctrl-C, or a polite request. From when it is made on these do not
/// end the process by themselves.
struct Stop {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl Stop {
    #[cfg(unix)]
    fn new() -> std::io::Result<Stop> {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = [SignalKind::interrupt(), SignalKind::terminate()];
        let [interrupted, terminated] = signals.map(signal);
        Ok(Stop {
            signals: [interrupted?, terminated?],
        })
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Stop> {
        Ok(Stop {})
    }

    #[cfg(unix)]
    async fn asked_for(mut self) -> std::io::Result<()> {
        std::future::poll_fn(|context| {
            let mut signals = self.signals.iter_mut();
            match signals.any(|signal| signal.poll_recv(context).is_ready()) {
                true => std::task::Poll::Ready(Ok(())),
                false => std::task::Poll::Pending,
            }
        })
        .await
    }

    #[cfg(not(unix))]
    async fn asked_for(self) -> std::io::Result<()> {
        tokio::signal::ctrl_c().await
    }
}

/// Serves a connection; `is_known` becomes true once it has shown the secret.
async fn connection(stream: tokio::net::TcpStream, shared: Arc<Shared>, is_known: Arc<AtomicBool>) {
    let service = service_fn(move |request| {
        let (shared, is_known) = (Arc::clone(&shared), Arc::clone(&is_known));
        async move { Ok::<_, Infallible>(respond(&shared, &is_known, request).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_headers(64);
    // A connection that ends in the middle is the browser's doing.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(shared: &Arc<Shared>, is_known: &AtomicBool, request: Request<Incoming>) -> Body {
    let uri = request.uri();
    let rest = match admit(&shared.address, request.method(), uri, request.headers()) {
        Ok(rest) => rest,
        Err((status, line)) => {
            let mut refused = plain(status, line);
            let close = HeaderValue::from_static("close");
            refused.headers_mut().insert(CONNECTION, close);
            return refused;
        }
    };
    is_known.store(true, Relaxed);
    if let Some(question) = rest.strip_prefix("api/") {
        let query = uri.query().unwrap_or_default();
        return ask(shared, question.to_owned(), query.to_owned()).await;
    }
    match asset(rest) {
        Some(asset) => body(
            StatusCode::OK,
            asset.media_type,
            Bytes::from_static(asset.text.as_bytes()),
        ),
        None => plain(StatusCode::NOT_FOUND, "the page has no such part\n"),
    }
}

/// Raises a flag when it goes: whoever reads for a question that nobody waits for any more stops.
struct Raise(Arc<AtomicBool>);

impl Drop for Raise {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Has a question answered by a thread that may read.
async fn ask(shared: &Arc<Shared>, question: String, query: String) -> Body {
    let flag = Arc::new(AtomicBool::new(false));
    let _raise = Raise(Arc::clone(&flag));
    let Ok(_place) = shared.readers.acquire().await else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the server stops\n");
    };
    let read = {
        let (shelf, flag) = (Arc::clone(&shared.shelf), Arc::clone(&flag));
        tokio::task::spawn_blocking(move || {
            let query = Query::parse(&query)?;
            read_cancellable(&flag, || answer(&shelf, &question, &query))
        })
    };
    let mut read = std::pin::pin!(read);
    let answered = match tokio::time::timeout(PATIENCE, &mut read).await {
        Ok(answered) => answered,
        Err(_) => {
            flag.store(true, Relaxed);
            read.await
        }
    };
    match answered {
        Ok(Ok(Answer::Json(json))) => said(StatusCode::OK, &json),
        Ok(Ok(Answer::Numbers(bytes))) => body(
            StatusCode::OK,
            "application/octet-stream",
            Bytes::from(bytes),
        ),
        // The page shows it: to the browser all is well.
        Ok(Err(Refusal::Told(text))) => said(StatusCode::OK, &serde_json::json!({ "error": text })),
        Ok(Err(Refusal::Question(text))) => said(
            StatusCode::BAD_REQUEST,
            &serde_json::json!({ "error": text }),
        ),
        Err(_) => plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            "a fault of this program\n",
        ),
    }
}

fn said(status: StatusCode, json: &serde_json::Value) -> Body {
    body(
        status,
        "application/json",
        Bytes::from(json.to_string().into_bytes()),
    )
}

fn plain(status: StatusCode, line: &'static str) -> Body {
    body(
        status,
        "text/plain; charset=utf-8",
        Bytes::from_static(line.as_bytes()),
    )
}

fn body(status: StatusCode, media_type: &'static str, bytes: Bytes) -> Body {
    let mut response = Response::new(Full::new(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.extend(HEADERS);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
