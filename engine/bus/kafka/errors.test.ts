import { describe, expect, it } from 'vitest'
import { Unavailable } from '../../../schema/errors.ts'
import { answerOf, isRefusal, unavailable } from './errors.ts'
import { kafkajs } from './kafkajs.ts'
import { UnknownCompression } from './record-batch.ts'

/** Codes of Kafka's protocol. */
const NOT_LEADER = 6
const TOPIC_DENIED = 29
const GROUP_DENIED = 30
const CLUSTER_DENIED = 31
const WRONG_MECHANISM = 33

const named = (name: string, message: string, more: object = {}) => Object.assign(new Error(message), { name, ...more })
const refused = named('KafkaJSSASLAuthenticationError', 'SASL SCRAM SHA256 authentication failed')
const brokenOff = named(
  'KafkaJSSASLAuthenticationError',
  'SASL PLAIN authentication failed: Connection closed by the server',
)
const connection = named('KafkaJSConnectionError', 'Connection error: connect ECONNREFUSED 127.0.0.1:9092', {
  code: 'ECONNREFUSED',
})

describe('answerOf', () => {
  it('names what a broker answered, also behind what kafkajs made of it', () => {
    expect(answerOf(kafkajs.errorOf(NOT_LEADER))).toBe('NOT_LEADER_FOR_PARTITION')
    expect(answerOf(new Error('tried', { cause: kafkajs.errorOf(NOT_LEADER) }))).toBe('NOT_LEADER_FOR_PARTITION')
  })

  it('knows when no broker answered', () => {
    expect(answerOf(connection)).toBeUndefined()
    expect(answerOf(new Error('bug', { cause: null }))).toBeUndefined()
  })
})

describe('isRefusal', () => {
  it.each([
    ['the credentials are wrong', refused],
    ['the mechanism is not there', kafkajs.errorOf(WRONG_MECHANISM)],
    ['the topic is not ours', kafkajs.errorOf(TOPIC_DENIED)],
    ['the group is not ours', kafkajs.errorOf(GROUP_DENIED)],
    ['a right is missing, told by a cause', new Error('tried', { cause: kafkajs.errorOf(CLUSTER_DENIED) })],
  ])('is true when %s', (_, error) => {
    expect(isRefusal(error)).toBe(true)
  })

  it.each([
    ['nobody answers', connection],
    ['a broker dies while it looks at the credentials', brokenOff],
    ['the leader moved', kafkajs.errorOf(NOT_LEADER)],
    ['the code is wrong', new TypeError('x is not a function')],
  ])('is false when %s', (_, error) => {
    expect(isRefusal(error)).toBe(false)
  })
})

describe('unavailable', () => {
  it.each([
    ['the network', connection, 'cannot append: Connection error: connect ECONNREFUSED 127.0.0.1:9092'],
    ['a broker', kafkajs.errorOf(NOT_LEADER), /^cannot append: .* \(NOT_LEADER_FOR_PARTITION\)$/],
    ['a broker that took the connection and said nothing', new Error('Broker not connected'), /^cannot append: /],
    ['Node', named('Error', 'read ECONNRESET', { code: 'ECONNRESET' }), 'cannot append: read ECONNRESET'],
    [
      'a broker that does not allow it',
      kafkajs.errorOf(TOPIC_DENIED),
      'cannot append: the brokers do not allow it (TOPIC_AUTHORIZATION_FAILED): give the user that sasl names the right to',
    ],
  ])('says what was tried and what %s said', (_, error, message) => {
    const told = unavailable(error, 'append') as Unavailable
    expect(told).toBeInstanceOf(Unavailable)
    expect(told.message).toMatch(message)
    expect(told.cause).toBe(error)
  })

  it('leaves what is in the words of this house already as it is', () => {
    const unable = new Unavailable('away')
    const unreadable = new UnknownCompression(2, 0)
    expect(unavailable(unable, 'append')).toBe(unable)
    expect(unavailable(unreadable, 'read')).toBe(unreadable)
  })

  it.each([
    ['a TypeError', new TypeError('x is not a function')],
    ['an Error', new Error('cannot happen')],
    ['a RangeError with a number as its code', Object.assign(new RangeError('out'), { code: 7 })],
  ])('leaves %s as it is: a bug must not be tried again for ever', (_, bug) => {
    expect(unavailable(bug, 'append')).toBe(bug)
  })
})
