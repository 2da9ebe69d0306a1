//! A small HTTP/1.1 client over a connection that is kept open, as scrapers and browsers do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A server that says nothing for this long has failed the benchmark.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let stream = BufReader::with_capacity(64 * 1024, stream);
        Ok(Self { stream, line: String::new(), body: Vec::new() })
    }

    pub(crate) fn send(&mut self, request: &[u8]) -> Result<()> {
        Ok(self.stream.get_mut().write_all(request)?)
    }

    /// The body of the next answer, as sent; anything but a 200 is an error.
    pub(crate) fn receive(&mut self) -> Result<&[u8]> {
        self.read_line()?;
        ensure!(self.line.starts_with("HTTP/1.1 200"), "answered {:?}", self.line);
        let mut length = None;
        loop {
            self.read_line()?;
            let Some((name, value)) = self.line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse()?);
            }
        }
        self.body.clear();
        match length {
            Some(length) => self.read_body(length)?,
            None => self.read_chunks()?,
        }
        Ok(&self.body)
    }

    fn read_line(&mut self) -> Result<()> {
        self.line.clear();
        let read = self.stream.read_line(&mut self.line)?;
        ensure!(read > 0, "the server closed the connection");
        self.line.truncate(self.line.trim_end().len());
        Ok(())
    }

    fn read_body(&mut self, length: usize) -> Result<()> {
        let start = self.body.len();
        self.body.resize(start + length, 0);
        Ok(self.stream.read_exact(&mut self.body[start..])?)
    }

    fn read_chunks(&mut self) -> Result<()> {
        loop {
            self.read_line()?;
            let size = usize::from_str_radix(&self.line, 16).context("the size of a chunk")?;
            self.read_body(size)?;
            self.read_line()?;
            if size == 0 {
                return Ok(());
            }
        }
    }
}
