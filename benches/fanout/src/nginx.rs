//! nginx with the module nchan: its configuration, its start, and the requests that publish.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use memchr::memmem;
use sse_bench_process::{Process, kernel};

/// How long it may take to start.
const TIMEOUT: Duration = Duration::from_secs(10);

const CONFIGURATION: &str = "nginx.conf";

/// The path of the module on Debian and on other systems.
const MODULES: [&str; 2] = [
    "/usr/lib/nginx/modules/ngx_nchan_module.so",
    "/usr/lib64/nginx/modules/ngx_nchan_module.so",
];

/// A running nginx.
#[derive(Debug)]
pub(crate) struct Nginx {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) folder: tempfile::TempDir,
}

/// Returns the paths of nginx and its module, or what is missing.
pub(crate) fn find() -> Result<(PathBuf, PathBuf), &'static str> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = env::split_paths(&path).collect();
    // Only root has it in PATH.
    folders.push("/usr/sbin".into());
    let programs = folders.into_iter().map(|folder| folder.join("nginx"));
    let program = programs.into_iter().find(|program| program.is_file());
    let module = MODULES.map(PathBuf::from).into_iter();
    let module = module.into_iter().find(|module| module.is_file());
    Ok((
        program.ok_or("nginx is not installed (Debian package nginx)")?,
        module.ok_or("the module nchan is not installed (Debian package libnginx-mod-nchan)")?,
    ))
}

/// Starts nginx with one worker on a port and in a folder of its own.
pub(crate) fn start(core: Option<usize>) -> io::Result<Nginx> {
    let (_, module) = find().map_err(io::Error::other)?;
    let folder = tempfile::tempdir()?;
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = socket.local_addr()?;
    drop(socket);
    let configuration = configuration(&module, address.port(), core);
    fs::write(folder.path().join(CONFIGURATION), configuration)?;
    let mut guard = Command::new(env::current_exe()?)
        .arg("guard-nginx")
        .arg(folder.path())
        .stdin(Stdio::piped())
        .spawn()?;
    match wait_for_worker(&mut guard, address) {
        Ok(worker) => Ok(Nginx {
            process: Process::new("nchan", guard, worker),
            address,
            folder,
        }),
        Err(error) => {
            drop(guard.stdin.take());
            guard.wait()?;
            Err(error)
        }
    }
}

/// Runs the process that ends nginx; see [`sse_bench_process::guard`].
pub(crate) fn guard(folder: &str) -> io::Result<()> {
    let (program, _) = find().map_err(io::Error::other)?;
    let mut nginx = Command::new(program);
    nginx.args(["-p", folder, "-c", CONFIGURATION, "-e", "stderr"]);
    sse_bench_process::guard(&mut nginx)
}

fn wait_for_worker(guard: &mut Child, address: SocketAddr) -> io::Result<u32> {
    let begun = Instant::now();
    loop {
        if TcpStream::connect(address).is_ok()
            && let Some(master) = kernel::child_of(guard.id())?
            && let Some(worker) = kernel::child_of(master)?
        {
            return Ok(worker);
        }
        if guard.try_wait()?.is_some() || begun.elapsed() > TIMEOUT {
            return Err(io::Error::other("nginx does not listen"));
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Returns the configuration: one worker on its core, no log, and limits that are never reached.
/// nchan keeps a hundred events, as the channels of the other servers do.
fn configuration(module: &Path, port: u16, core: Option<usize>) -> String {
    let affinity = core.map_or_else(String::new, |core| {
        format!("worker_cpu_affinity 1{};", "0".repeat(core))
    });
    let module = module.display();
    format!(
        "load_module {module};
        daemon off;
        worker_processes 1;
        {affinity}
        worker_rlimit_nofile 20000;
        pid nginx.pid;
        error_log stderr crit;
        events {{ worker_connections 19000; use epoll; }}
        http {{
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            tcp_nodelay on;
            keepalive_requests 1000000000;
            keepalive_timeout 3600s;
            nchan_shared_memory_size 256M;
            server {{
                listen 127.0.0.1:{port} backlog=4096;
                location = /publish {{
                    nchan_publisher http;
                    nchan_channel_id events;
                    nchan_message_buffer_length 100;
                    nchan_message_timeout 5m;
                }}
                location = /events {{
                    nchan_subscriber eventsource;
                    nchan_channel_id events;
                    nchan_subscriber_first_message newest;
                    nchan_eventsource_ping_interval 15;
                }}
            }}
        }}
        "
    )
}

/// Returns the request that publishes an event.
pub(crate) fn publish_request(text: &str) -> String {
    let len = text.len();
    format!("POST /publish HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len}\r\n\r\n{text}")
}

/// Removes whole answers from the front of `bytes`. Returns their number.
pub(crate) fn take_answers(bytes: &mut Vec<u8>) -> io::Result<u64> {
    let mut count = 0;
    let mut taken = 0;
    while let Some(head) = memmem::find(&bytes[taken..], b"\r\n\r\n") {
        let rest = &bytes[taken..];
        let text = String::from_utf8_lossy(&rest[..head]).to_ascii_lowercase();
        let len = text.lines().find_map(|line| {
            let len = line.strip_prefix("content-length:")?;
            len.trim().parse::<usize>().ok()
        });
        let (true, Some(len)) = (text.starts_with("http/1.1 2"), len) else {
            return Err(io::Error::other(format!("nginx answered: {text}")));
        };
        let end = head + 4 + len;
        if rest.len() < end {
            break;
        }
        taken += end;
        count += 1;
    }
    bytes.drain(..taken);
    Ok(count)
}
