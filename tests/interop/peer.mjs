// A peer with real Yjs, for tests/interop_yjs.rs: one JSON command a line on stdin, one JSON answer
// a line on stdout. A new peer holds an empty document.
//
//   {"do":"open","client":7}         a new, empty document under this client id  -> {}
//   {"do":"apply","update":B64}      takes an update in   -> {"waiting":true when others are missing}
//   {"do":"edit","edits":[…]}        one transaction      -> {"update":B64 that it made}
//        ["set",PATH,VALUE]  ["delete",PATH]     PATH is [root, key, …]; a map on the way that is
//        not there is an error, as it is for the web app
//   {"do":"read"}                    -> {"roots":{root:{…}}}
//   {"do":"snapshot"}                -> {"update":B64 of everything}
//   {"do":"missing","stateVector":B64}  -> {"update":B64 of what that peer lacks}
//
// Values: JSON as it is, {"$map":{…}} for a Y.Map, {"$base64":…} for bytes, {"$undefined":true}, and
// {"$number":"NaN"} for the numbers that JSON has not. Keys are answered in sorted order. An error
// is answered as {"error":…}.
import { createInterface } from 'node:readline'
import * as Y from 'yjs'

const bytes = text => new Uint8Array(Buffer.from(text, 'base64'))
const base64 = data => Buffer.from(data).toString('base64')

let doc
let made = []

function open (client) {
  doc?.destroy()
  doc = new Y.Doc()
  if (client !== undefined) doc.clientID = client
  made = []
  doc.on('update', (update, origin) => { if (origin === 'edit') made.push(update) })
}

function toYjs (value) {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(toYjs)
  if ('$base64' in value) return bytes(value.$base64)
  if ('$undefined' in value) return undefined
  if ('$number' in value) return Number(value.$number)
  const entries = Object.entries(value.$map ?? value).map(([key, inner]) => [key, toYjs(inner)])
  return '$map' in value ? new Y.Map(entries) : Object.fromEntries(entries)
}

function toJson (value) {
  if (value === undefined) return { $undefined: true }
  if (typeof value === 'bigint') return { $bigint: String(value) }
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $number: String(value) }
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Uint8Array) return { $base64: base64(value) }
  if (value instanceof Y.Text) return { $text: value.toString() }
  if (value instanceof Y.Array) return value.toArray().map(toJson)
  if (Array.isArray(value)) return value.map(toJson)
  const entries = value instanceof Y.Map ? [...value.entries()] : Object.entries(value)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, toJson(inner)]))
}

// A root that came in an update has no type until somebody asks for it under one.
function root (name) {
  const known = doc.share.get(name)
  const isList = known !== undefined && known._start !== null && known._map.size === 0
  return isList ? doc.getArray(name) : doc.getMap(name)
}

function edit ([what, [name, ...path], value]) {
  const key = path.pop()
  let map = root(name)
  for (const step of path) {
    map = map.get(step)
    if (!(map instanceof Y.Map)) throw new Error(`no map at ${name}/${path.join('/')}`)
  }
  if (what === 'set') map.set(key, toYjs(value))
  else if (what === 'delete') map.delete(key)
  else throw new Error(`unknown edit ${what}`)
}

const commands = {
  open: ({ client }) => { open(client); return {} },
  apply: ({ update }) => {
    Y.applyUpdate(doc, bytes(update))
    return { waiting: doc.store.pendingStructs !== null || doc.store.pendingDs !== null }
  },
  edit: ({ edits }) => {
    made = []
    doc.transact(() => edits.forEach(edit), 'edit')
    return { update: base64(made.length > 0 ? Y.mergeUpdates(made) : Y.encodeStateAsUpdate(new Y.Doc())) }
  },
  read: () => ({ roots: Object.fromEntries([...doc.share.keys()].sort().map(name => [name, toJson(root(name))])) }),
  snapshot: () => ({ update: base64(Y.encodeStateAsUpdate(doc)) }),
  missing: ({ stateVector }) => ({ update: base64(Y.encodeStateAsUpdate(doc, bytes(stateVector))) })
}

open()
for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    const command = JSON.parse(line)
    answer = commands[command.do](command)
  } catch (error) {
    answer = { error: String(error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
