//! A small working proxy: it forwards requests, and connections by `CONNECT` and SOCKS. Every host
//! resolves to this one, so that a test can see which side resolved a name.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use sse_eventsource_testing::{Server, header};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

pub(crate) struct Proxy {
    server: Server,
    log: Log,
}

/// The requests to the proxy, one line each.
type Log = Arc<Mutex<Vec<String>>>;

impl Proxy {
    pub(crate) fn start() -> Self {
        Self::with(None)
    }

    /// Starts a proxy that is connected to over TLS.
    pub(crate) fn start_tls(acceptor: TlsAcceptor) -> Self {
        Self::with(Some(acceptor))
    }

    fn with(acceptor: Option<TlsAcceptor>) -> Self {
        let log = Log::default();
        let shared = Arc::clone(&log);
        let server = Server::start(move |_, connection| {
            let (log, acceptor) = (Arc::clone(&shared), acceptor.clone());
            async move {
                // The client may close the connection at any time.
                let _ = match acceptor {
                    Some(acceptor) => match acceptor.accept(connection.io).await {
                        Ok(io) => serve(io, &log).await,
                        Err(error) => Err(error),
                    },
                    None => serve(connection.io, &log).await,
                };
            }
        });
        Self { server, log }
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// Returns the requests so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().expect("a lock").clone()
    }
}

async fn serve(mut io: impl AsyncRead + AsyncWrite + Unpin, log: &Log) -> io::Result<()> {
    let note = |line: String| log.lock().expect("a lock").push(line);
    let upstream = match io.read_u8().await? {
        4 => socks4(&mut io, note).await?,
        5 => socks5(&mut io, note).await?,
        first => http(&mut io, first, note).await?,
    };
    let Some(mut upstream) = upstream else {
        return Ok(());
    };
    copy_bidirectional(&mut io, &mut upstream).await?;
    Ok(())
}

async fn connect(port: u16) -> io::Result<TcpStream> {
    let io = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    io.set_nodelay(true)?;
    Ok(io)
}

async fn http(
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    first: u8,
    note: impl Fn(String),
) -> io::Result<Option<TcpStream>> {
    let mut head = vec![first];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await?);
    }
    let head = String::from_utf8(head).expect("UTF-8");
    let (line, rest) = head.split_once("\r\n").expect("a line");
    let authorization = header(&head, "proxy-authorization").unwrap_or("nobody");
    note(format!("{line} by {authorization}"));
    let mut words = line.split(' ');
    let (method, target) = (words.next().expect("GET"), words.next().expect("a target"));
    let port = |authority: &str| -> u16 {
        let port = authority.rsplit_once(':').map_or("80", |(_, port)| port);
        port.parse().expect("a port")
    };
    if authorization == "Basic YmFkOmJhZA==" {
        io.write_all(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
            .await?;
        return Ok(None);
    }
    if method == "CONNECT" {
        let upstream = connect(port(target)).await?;
        io.write_all(b"HTTP/1.1 200 Connected\r\nVia: 1.1 test\r\n\r\n")
            .await?;
        return Ok(Some(upstream));
    }
    let target = target.strip_prefix("http://").expect("a whole URL");
    let (authority, path) = target.split_once('/').expect("a path");
    let mut upstream = connect(port(authority)).await?;
    let request = format!("{method} /{path} HTTP/1.1\r\nVia: 1.1 test\r\n{rest}");
    upstream.write_all(request.as_bytes()).await?;
    Ok(Some(upstream))
}

/// RFC 1928, with the user and password of RFC 1929.
async fn socks5(
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    note: impl Fn(String),
) -> io::Result<Option<TcpStream>> {
    let methods = length_prefixed(io).await?;
    let mut by = "nobody".to_owned();
    if methods.contains(&2) {
        io.write_all(&[5, 2]).await?;
        io.read_u8().await?;
        let (user, password) = (length_prefixed(io).await?, length_prefixed(io).await?);
        by = format!("{}:{}", text(user), text(password));
        let is_wrong = by == "bad:bad";
        io.write_all(&[1, u8::from(is_wrong)]).await?;
    } else {
        io.write_all(&[5, 0]).await?;
    }
    let mut request = [0; 4];
    io.read_exact(&mut request).await?;
    let host = match request[3] {
        1 => Ipv4Addr::from_bits(io.read_u32().await?).to_string(),
        3 => text(length_prefixed(io).await?),
        other => panic!("address of type {other}"),
    };
    let port = io.read_u16().await?;
    note(format!("SOCKS5 {host}:{port} by {by}"));
    let upstream = connect(port).await?;
    io.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok(Some(upstream))
}

async fn socks4(
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    note: impl Fn(String),
) -> io::Result<Option<TcpStream>> {
    io.read_u8().await?;
    let port = io.read_u16().await?;
    let address = io.read_u32().await?;
    terminated(io).await?;
    // SOCKS4a: an invalid address means that a name follows.
    let host = match address {
        1..=255 => terminated(io).await?,
        _ => Ipv4Addr::from_bits(address).to_string(),
    };
    note(format!("SOCKS4 {host}:{port}"));
    let upstream = connect(port).await?;
    io.write_all(&[0, 90, 0, 0, 0, 0, 0, 0]).await?;
    Ok(Some(upstream))
}

/// Reads bytes that follow their length.
async fn length_prefixed(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::from(io.read_u8().await?)];
    io.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// Reads text up to a NUL.
async fn terminated(io: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        match io.read_u8().await? {
            0 => return Ok(text(bytes)),
            byte => bytes.push(byte),
        }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}
