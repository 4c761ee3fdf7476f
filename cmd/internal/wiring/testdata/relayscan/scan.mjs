// Looks at accounts as the relay does, through its own client library, with the
// commands that were counted there: four indexes, and for an account one and a
// fifth, each awaited. Arguments: Redis's port, ENCRYPTION_KEY. For each line on
// stdin it scans once and answers with how many accounts it judged.
import { createDecipheriv, scryptSync } from 'node:crypto'
import { createInterface } from 'node:readline'
import Redis from 'ioredis'

const [port, secret] = process.argv.slice(2)
const key = scryptSync(secret, 'salt', 32)
const client = new Redis({ host: '127.0.0.1', port: Number(port) })

function decrypt(text) {
  const [iv, data] = text.split(':').map((part) => Buffer.from(part, 'hex'))
  const cipher = createDecipheriv('aes-256-cbc', key, iv)
  return cipher.update(data, undefined, 'utf8') + cipher.final('utf8')
}

async function scan() {
  const ids = []
  for (const index of ['gemini_account:index', 'openai:account:index', 'droid:account:index', 'claude:account:index'])
    ids.push(...await client.smembers(index))
  let judged = 0
  for (const [i, id] of ids.entries()) {
    const account = await client.hgetall(`claude:account:${id}`)
    if (i % 5 === 0)
      await client.ttl(`token_refresh_lock:claude:${id}`)
    if (decrypt(account.refreshToken) && Number(account.expiresAt) > 0)
      judged++
  }
  return judged
}

for await (const _ of createInterface({ input: process.stdin }))
  console.log(await scan())
client.disconnect()
