// The official Socket.IO client reads rooms over each carrier. Arguments: the namespace's URL, the position to start at,
// the rooms.

import { io } from "socket.io-client";
import { given, released, say } from "./common.mjs";
import { readRooms } from "./socketio-rooms.mjs";

const [url, after, ...rooms] = given;
const sockets = ["polling", "websocket", "upgrade"].map((carrier) => readRooms(io, say, { carrier, url, rooms, after }));
await released();
for (const socket of sockets) socket.disconnect();
