// A web client in a room, for tests/wire: one JSON command a line on stdin, one JSON answer a line on
// stdout.
//
//   {"do":"join","kind":"y-partykit"|"y-partyserver"|"y-websocket","host":"127.0.0.1:1999",
//     "path":"/parties/p","party":"p","room":"r","params":{…}}
//        -> {} when synced; the parameters go into the query; y-websocket joins host+path+"/"+room
//   {"do":"set","path":[root,key,…],"value":V}   one transaction; maps on the way are made
//        V: JSON, {"$base64":…} for bytes, {"$long":N} for a text of N letters
//   {"do":"read","root":R}         -> {"value":…}
//   {"do":"awareness","state":S}   sets the own state                  -> {"client":ID}
//   {"do":"others"}                -> {"states":{client:state}} of everybody else
//   {"do":"state"}                 -> {"synced":…}
//   {"do":"texts"}                 -> {"texts":[…]} that came since the last connection began
//   {"do":"leave"}                 closes politely
//   {"do":"vanish"}                the socket goes without a word; the provider stays away
//   {"do":"cut"}                   the socket goes; the provider comes back by itself
import { createInterface } from 'node:readline'
import WebSocket from 'ws'
import * as Y from 'yjs'
import YPartyKitProvider from 'y-partykit/provider'
import YPartyServerProvider from 'y-partyserver/provider'
import { WebsocketProvider } from 'y-websocket'

let doc
let provider
let texts = []

// Providers keep texts for themselves.
class Listening extends WebSocket {
  constructor (...rest) {
    super(...rest)
    texts = []
    this.on('message', (data, isBinary) => { if (!isBinary) texts.push(data.toString()) })
  }
}

const plain = value => {
  if (value instanceof Uint8Array) return { $base64: Buffer.from(value).toString('base64') }
  if (value instanceof Y.Map) return Object.fromEntries([...value.entries()].map(([k, v]) => [k, plain(v)]))
  if (value instanceof Y.Array) return value.toArray().map(plain)
  if (typeof value === 'string' && value.length > 10000) return { $long: value.length }
  return value
}

const from = value => {
  if (value?.$base64 !== undefined) return new Uint8Array(Buffer.from(value.$base64, 'base64'))
  if (value?.$long !== undefined) return 'n'.repeat(value.$long)
  return value
}

const commands = {
  join: ({ kind, host, path, party, room, params }) => new Promise((resolve, reject) => {
    doc = new Y.Doc()
    const options = { WebSocketPolyfill: Listening, disableBc: true, params: params ?? {} }
    const makers = {
      'y-partykit': () => new YPartyKitProvider(host, room, doc, { ...options, party }),
      'y-partyserver': () => new YPartyServerProvider(host, room, doc, { ...options, party }),
      'y-websocket': () => new WebsocketProvider(`ws://${host}${path}`, room, doc, options)
    }
    provider = makers[kind]()
    provider.on('connection-error', error => reject(new Error(`no connection: ${error?.message}`)))
    provider.on('sync', synced => { if (synced) resolve({}) })
  }),
  set: ({ path: [root, ...keys], value }) => {
    doc.transact(() => {
      let map = doc.getMap(root)
      const last = keys.pop()
      for (const key of keys) {
        if (!map.has(key)) map.set(key, new Y.Map())
        map = map.get(key)
      }
      map.set(last, from(value))
    })
    return {}
  },
  read: ({ root }) => ({ value: plain(doc.getMap(root)) }),
  awareness: ({ state }) => {
    provider.awareness.setLocalState(state)
    return { client: doc.clientID }
  },
  others: () => {
    const states = [...provider.awareness.getStates()].filter(([client]) => client !== doc.clientID)
    return { states: Object.fromEntries(states) }
  },
  state: () => ({ synced: provider.synced }),
  texts: () => ({ texts }),
  leave: () => {
    provider.destroy()
    return {}
  },
  vanish: () => {
    provider.shouldConnect = false
    provider.ws.terminate()
    return {}
  },
  cut: () => {
    provider.ws.terminate()
    return {}
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    const command = JSON.parse(line)
    answer = await commands[command.do](command)
  } catch (error) {
    answer = { error: String(error?.stack ?? error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
process.exit(0)
