// Many boards at once by Node.js: one promise each, one process, execFile a call, hex in C.
//
//     node gang.js TOOL LINK COUNT SPREAD
//
// Prints what floor.c does with as many arguments. A terminal is opened as Node opens its own, since npm's
// serialport is no part of a system: that costs it less, and sets no speed. The CRC is a table loop, for
// Node has none in C.
'use strict';
const { execFile } = require('child_process');
const { randomBytes } = require('crypto');
const fs = require('fs');
const tty = require('tty');

const table = new Uint16Array(256).map((_, i) => {
  let c = i << 8;
  for (let bit = 0; bit < 8; bit++) c = c & 0x8000 ? (c << 1) ^ 0x1021 : c << 1;
  return c;
});

function crcOf(bytes, n) {
  let c = 0xffff;
  for (let i = 0; i < n; i++) c = ((c << 8) & 0xffff) ^ table[(c >> 8) ^ bytes[i]];
  return c;
}

function frame(payload) {
  const whole = Buffer.allocUnsafe(payload.length + 4);
  whole.writeUInt16BE(payload.length, 0);
  payload.copy(whole, 2);
  whole.writeUInt16BE(crcOf(whole, payload.length + 2), payload.length + 2);
  return whole;
}

function openPort(terminal) {
  const fd = fs.openSync(terminal, fs.constants.O_RDWR | fs.constants.O_NOCTTY | fs.constants.O_NONBLOCK);
  const port = new tty.ReadStream(fd);
  port.setRawMode(true);
  return port;
}

function exchange(port, payload) {
  return new Promise((resolve, reject) => {
    let heard = Buffer.alloc(0);
    const limit = setTimeout(() => reject(new Error('the device did not answer in time')), 5000);
    function hear(bytes) {
      heard = Buffer.concat([heard, bytes]);
      if (heard.length < 2) return;
      const size = heard.readUInt16BE(0) + 4;
      if (heard.length < size) return;
      clearTimeout(limit);
      port.off('data', hear);
      if (crcOf(heard, size - 2) !== heard.readUInt16BE(size - 2)) reject(new Error('a damaged answer'));
      else resolve(heard.subarray(2, size - 2));
    }
    port.on('data', hear);
    port.write(frame(payload));
  });
}

function call(tool, ...words) {
  return new Promise((resolve, reject) => {
    execFile(tool, words, { timeout: 60000 }, (error, printed) => (error ? reject(error) : resolve(printed)));
  });
}

const payloadOf = (printed) => Buffer.from(/^PAYLOAD ([0-9a-f]+)$/m.exec(printed)[1], 'hex');
const fingerprintOf = (printed) => /^FINGERPRINT ([0-9a-f]+)$/m.exec(printed)[1];

async function provision(tool, port, session) {
  try {
    const key = await exchange(port, payloadOf(await call(tool, 'new_device', session)));
    const first = process.hrtime.bigint();
    const config = await call(tool, 'get_device_configuration', session, key.toString('hex'));
    const done = await exchange(port, payloadOf(config));
    const second = process.hrtime.bigint();
    const last = await call(tool, 'handle_device_response', session, done.toString('hex'));
    return `${fingerprintOf(last)} ${first} ${second}`;
  } catch (error) {
    await call(tool, 'report_error', session, '1', String(error));
    throw error;
  }
}

async function run(tool, terminal, delay) {
  if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
  const port = openPort(terminal);
  try {
    return await provision(tool, port, randomBytes(10).toString('hex'));
  } finally {
    port.destroy();
  }
}

async function main() {
  const [tool, link] = process.argv.slice(2);
  const [count, spread] = process.argv.slice(4).map(Number);
  const begun = process.hrtime.bigint();
  const units = Array.from({ length: count }, (_, i) => run(tool, `${link}.${i + 1}`, (i * spread) / count));
  (await Promise.all(units)).forEach((line, i) => console.log(`${i + 1} ${line}`));
  console.log(`total ${process.hrtime.bigint() - begun}`);
}

main();
