//! A small HTTP service to break: `example_service PORT` answers every request with `ok`.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).ok_or("usage: example_service PORT")?.parse::<u16>()?;
    for connection in TcpListener::bind(("127.0.0.1", port))?.incoming() {
        let Ok(mut connection) = connection else { continue };
        // One request for each connection, whatever it asks. A broken connection is the client's problem.
        let _ = connection.read(&mut [0; 4096]);
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    }
    Ok(())
}
