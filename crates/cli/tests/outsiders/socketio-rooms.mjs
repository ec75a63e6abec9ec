// Reads rooms with the official Socket.IO client, in Node and in a page alike.

/**
 * Says the source text of every publication and control item as lane `CARRIER ROOM`, and comes back to where it was; says
 * too when the carrier was changed and when three pings have come. Sees nothing of this file, so that a page can run it.
 *
 * @param {typeof import("socket.io-client").io} io
 * @param {(line: object) => void} say
 * @param {{carrier: string, url: string, rooms: string[], after: string}} what the carrier may be `upgrade`; the first
 *     room is asked for in the handshake, the others are joined
 */
export function readRooms(io, say, { carrier, url, rooms: [first, ...others], after }) {
  const transports = carrier === "upgrade" ? ["polling", "websocket"] : [carrier];
  const position = Object.fromEntries([first, ...others].map((room) => [room, after]));
  const auth = (give) => give({ room: first, after: position[first] });
  const socket = io(url, { auth, transports, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 300 });
  const [texts, epoch] = [[], {}];
  const control = (item) => say({ lane: `${carrier} ${first}`, control: JSON.stringify(item) });

  socket.io.on("open", () => {
    let pings = 0;
    const { engine } = socket.io;
    engine.on("upgrade", () => control({ carrier: engine.transport.name }));
    engine.on("packet", ({ type, data }) => {
      if (type === "message" && data.startsWith("2")) texts.push(data);
      if (type === "ping" && ++pings === 3) control({ pings });
    });
  });
  socket.on("connect", () => others.forEach((room) => socket.emit("join", { room, after: position[room] })));
  socket.onAny((event, item, room) => {
    const [packet, before, behind] = [texts.shift(), `2${socket.nsp},[${JSON.stringify(event)},`, `,${JSON.stringify(room)}]`];
    const text = packet.slice(before.length, -behind.length);
    const whole = before + text + behind === packet && JSON.stringify(JSON.parse(text)) === JSON.stringify(item);
    if (!whole) throw new Error(`${event} in ${room} came as ${packet}`);
    say({ lane: `${carrier} ${room}`, [item.offset ? "item" : "control"]: text });
    if (item.hello || item.gap) epoch[room] = (item.hello ?? item.gap).position.split(".")[0];
    if (item.offset) position[room] = `${epoch[room]}.${item.offset}`;
    if (item.gap) position[room] = item.gap.position;
  });
  return socket;
}
