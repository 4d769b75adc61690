#!/usr/bin/env bash
# ssh2 of npm, and a server that disconnects before the key exchange (RFC 4253 §11.1) with a description for the user.
#
# Guess: whatever the reason code, the description reaches the program in the event `error`.
# Seen:  ssh2 1.17.0 emits `error` with the description at reason 7 (service not available), and at reason 11 (by
#        application) nothing but `end` and `close`: a program that waits for `ready` or `error` hears of no failure.
# So a server that has something to say to its user says it with another reason than 11.
#
# Needs node and npm, and npm's registry. Fails when this is no longer so.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund --save-exact ssh2@1.17.0

cat > disconnect.js <<'JS'
const net = require('net');
const { Client } = require('ssh2');

// SSH_MSG_DISCONNECT in a packet of the binary packet protocol, unencrypted (RFC 4253 §6, §11.1).
function disconnect(reason) {
  const text = Buffer.from('try again at noon');
  const payload = Buffer.alloc(1 + 4 + 4 + text.length + 4);
  payload[0] = 1;
  payload.writeUInt32BE(reason, 1);
  payload.writeUInt32BE(text.length, 5);
  text.copy(payload, 9);
  let padding = 8 - ((5 + payload.length) % 8);
  if (padding < 4) padding += 8;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + payload.length + padding, 0);
  head[4] = padding;
  return Buffer.concat([Buffer.from('SSH-2.0-test\r\n'), head, payload, Buffer.alloc(padding)]);
}

function visit(reason) {
  return new Promise((done) => {
    const events = [];
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(disconnect(reason)));
    });
    server.listen(0, '127.0.0.1', () => {
      const client = new Client();
      client.on('error', (error) => events.push('error: ' + error.message));
      client.on('end', () => events.push('end'));
      client.on('close', () => { server.close(); done(events.join(', ')); });
      client.connect({ host: '127.0.0.1', port: server.address().port, username: 'ann', password: 'none' });
    });
  });
}

(async () => { for (const reason of [7, 11]) console.log('reason', reason + ':', await visit(reason)); })();
JS
timeout 60 node disconnect.js | tee seen
diff - seen <<'SEEN'
reason 7: error: try again at noon, end
reason 11: end
SEEN
