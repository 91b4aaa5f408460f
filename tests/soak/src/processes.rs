//! The processes that the program starts of itself, by their arguments.

use std::str::FromStr;

use sse_hyper::BoxError;
use tokio::runtime::Runtime;

use crate::attack::Attack;
use crate::{attack, clients, server};

/// Runs one of these processes, if the first argument names it.
///
/// # Errors
///
/// Those of the process, or `None` if it is none of these.
pub fn run_if_named(arguments: &[String]) -> Option<Result<(), BoxError>> {
    let (name, arguments) = arguments.split_first()?;
    match &**name {
        "serve" => Some(serve(arguments)),
        "clients" => Some(clients(arguments)),
        "honest" => Some(honest(arguments)),
        "attack" => Some(attack(arguments)),
        _ => None,
    }
}

fn serve(arguments: &[String]) -> Result<(), BoxError> {
    let [transport, node, nodes, pace, engine @ ..] = arguments else {
        return Err("serve TRANSPORT NODE NODES PACE [ENGINE]".into());
    };
    let options = server::Options {
        transport: parse(transport)?,
        node: parse(node)?,
        nodes: parse(nodes)?,
        pace: parse(pace)?,
        engine: engine.first().cloned(),
    };
    run(server::run(options))
}

fn clients(arguments: &[String]) -> Result<(), BoxError> {
    let [protocol, clients, pace, seed, ports @ ..] = arguments else {
        return Err("clients PROTOCOL CLIENTS PACE SEED PORT…".into());
    };
    let options = clients::Options {
        protocol: parse(protocol)?,
        clients: parse(clients)?,
        pace: parse(pace)?,
        seed: parse(seed)?,
        ports: ports
            .iter()
            .map(|port| parse(port))
            .collect::<Result<_, _>>()?,
    };
    run(async { Ok(clients::run(options).await?) })
}

fn honest(arguments: &[String]) -> Result<(), BoxError> {
    let [protocol, port, streams] = arguments else {
        return Err("honest PROTOCOL PORT STREAMS".into());
    };
    let clients = clients::honest::run(parse(protocol)?, parse(port)?, parse(streams)?);
    run(async { Ok(clients.await?) })
}

fn attack(arguments: &[String]) -> Result<(), BoxError> {
    let [attack, subject, port] = arguments else {
        return Err("attack NAME SUBJECT PORT".into());
    };
    let attack = Attack::named(attack, subject).ok_or("there is no such attack")?;
    let port = parse(port)?;
    run(async { Ok(attack::run(attack, port).await?) })
}

fn run(process: impl Future<Output = Result<(), BoxError>>) -> Result<(), BoxError> {
    let runtime = Runtime::new()?;
    let done = runtime.block_on(process);
    // A thread may be reading the standard input, which its parent has not closed.
    runtime.shutdown_background();
    done
}

fn parse<T: FromStr<Err: Into<BoxError>>>(text: &str) -> Result<T, BoxError> {
    text.parse().map_err(Into::into)
}
