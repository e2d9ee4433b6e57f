"""Nodemailer, which most web applications on Node.js send mail with."""

import base64
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from peers.jail import UNPACKED
from peers.need import command, missing

VERSION = "10.6.0"

# It sends what stands on its input, over one connection, and says what became of each.
SCRIPT = """\
const { createTransport } = require("nodemailer");
let text = "";
process.stdin.on("data", (piece) => { text += piece; });
process.stdin.on("end", async () => {
  const { port, sender, recipient, mails } = JSON.parse(text);
  const transport = createTransport({
    host: "127.0.0.1", port, pool: true, maxConnections: 1, tls: { rejectUnauthorized: false },
  });
  const said = [];
  for (const mail of mails) {
    try {
      const sent = await transport.sendMail({
        envelope: { from: sender, to: [recipient] }, raw: Buffer.from(mail, "base64"),
      });
      said.push(sent.response);
    } catch (error) { said.push(String(error)); }
  }
  transport.close();
  console.log(JSON.stringify(said));
});
"""


def nodemailer(port: int, recipient: str, mails: Sequence[bytes], sender: str = "bob@client.example") -> list[str]:
    """Send the mails one after the other over one connection; what the server said to each."""
    node = _node()
    asked = {
        "port": port, "sender": sender, "recipient": recipient,
        "mails": [base64.b64encode(mail).decode() for mail in mails],
    }  # fmt: skip
    finished = subprocess.run(
        [node, "-e", SCRIPT], input=json.dumps(asked).encode(), capture_output=True, timeout=90, check=False,
        env={**os.environ, "NODE_PATH": str(_modules())}, cwd="/",
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr.decode()
    said: list[str] = json.loads(finished.stdout)
    return said


def _node() -> str:
    """Node.js is large, and not what CI is for: without it the test is skipped there too."""
    found = command("node")
    if found is None or command("npm") is None:
        pytest.skip("node or npm is not here: apt-get install nodejs npm")
    return found


def _modules() -> Path:
    modules = UNPACKED / "node" / "node_modules"
    if not (modules / "nodemailer" / "package.json").exists():
        missing(f"nodemailer is not here: npm install --prefix {UNPACKED}/node nodemailer@{VERSION}")
    return modules
