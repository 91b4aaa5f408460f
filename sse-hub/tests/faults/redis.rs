//! The faults of Redis.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sse_hub::Log;
use sse_hub::redis::RedisOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cases::{ANSWER_WITHIN, Engine, Keeps};
use crate::servers::redis;

struct Redis;

impl Engine for Redis {
    const NAME: &'static str = "Redis";

    fn command(port: u16, folder: &Path) -> Command {
        redis::durable(port, folder)
    }

    async fn log(port: u16, keeps: Keeps) -> impl Log {
        RedisOptions::new()
            .max_events(keeps.history)
            .answer_within(ANSWER_WITHIN)
            .connect(&redis::url(port))
            .await
            .expect("connected")
    }

    async fn answers(port: u16) -> bool {
        let answer = ask(port, "PING");
        let answer = timeout(Duration::from_millis(500), answer).await;
        answer.is_ok_and(|answer| answer.as_deref() == Some("+PONG\r\n"))
    }

    async fn wipe(port: u16) {
        assert_eq!(ask(port, "FLUSHALL").await.as_deref(), Some("+OK\r\n"));
    }
}

/// The answer to a command, over a connection of its own.
async fn ask(port: u16, command: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let command = format!("{command}\r\n");
    stream.write_all(command.as_bytes()).await.ok()?;
    let mut answer = vec![0; 100];
    let len = stream.read(&mut answer).await.ok()?;
    answer.truncate(len);
    String::from_utf8(answer).ok()
}

crate::faults!(Redis);
