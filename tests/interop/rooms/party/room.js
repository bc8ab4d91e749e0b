// A room of the kind that web apps on PartyKit have: Yjs with snapshots, a door that asks for a
// token in rooms whose name begins with `locked`, and text for everybody by POST.
import { onConnect } from 'y-partykit'

export default class Room {
  constructor (room) { this.room = room }

  static onBeforeConnect (request) {
    const url = new URL(request.url)
    const isLocked = url.pathname.includes('/locked')
    if (isLocked && request.headers.get('authorization') !== 'Bearer open sesame') {
      return new Response('wrong code', { status: 403 })
    }
    return request
  }

  onConnect (connection) {
    return onConnect(connection, this.room, { persist: { mode: 'snapshot' } })
  }

  async onRequest (request) {
    if (request.method === 'POST') this.room.broadcast(await request.text())
    return new Response('ok')
  }
}
