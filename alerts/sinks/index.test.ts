import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Notice } from '../../schema/alert.ts'
import { sinkTypes } from './index.ts'
import { ndjson } from './ndjson.ts'
import { type SinkUnderTest, sinkContract } from './sink.contract.ts'
import { webhook } from './webhook.ts'

const SECRET = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE='

/** How each type is opened against a real destination. */
const subjects: Record<string, () => Promise<SinkUnderTest>> = { webhook: openWebhook, ndjson: openNdjson }

async function openWebhook(): Promise<SinkUnderTest> {
  const bodies: Notice['alert'][] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) {
      chunks.push(chunk as Buffer)
    }
    bodies.push(JSON.parse(Buffer.concat(chunks).toString('utf8')).data)
    response.writeHead(204).end()
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  const sink = webhook.open(
    {
      type: 'webhook',
      name: 'siem',
      url: `http://127.0.0.1:${port}/hook`,
      secret: SECRET,
      allow: ['127.0.0.0/8'],
    },
    { version: '0', dataDirectory: '.' },
  )
  const close = () =>
    new Promise<void>((closed) => {
      server.closeAllConnections()
      server.close(() => closed())
    })
  return { sink, received: async () => bodies, close }
}

async function openNdjson(): Promise<SinkUnderTest> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'telltale-ndjson-'))
  const file = join(dataDirectory, 'alerts.ndjson')
  const sink = ndjson.open({ type: 'ndjson', name: 'copy', file: 'alerts.ndjson' }, { version: '0', dataDirectory })
  const received = async () => {
    const text = await readFile(file, 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as Notice).alert)
  }
  return { sink, received, close: () => rm(dataDirectory, { recursive: true }) }
}

describe('the list of sinks', () => {
  it('holds every sink of the folder, and each has a subject to run the contract on', async () => {
    const notSinks = ['index', 'sink']
    const files = (await readdir('alerts/sinks'))
      .filter((name) => /^[a-z-]+\.ts$/.test(name))
      .map((name) => name.replace('.ts', ''))
      .filter((name) => !notSinks.includes(name))
    expect(sinkTypes.map(({ type }) => type).sort()).toEqual(files.sort())
    expect(Object.keys(subjects).sort()).toEqual(files.sort())
  })
})

for (const { type } of sinkTypes) {
  const open = subjects[type]
  if (open !== undefined) {
    sinkContract(type, open)
  }
}
