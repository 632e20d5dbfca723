/**
 * Who leads which partition: Metadata v5 (https://kafka.apache.org/protocol), as kafkajs wants it. kafkajs itself gives up
 * the whole answer when one topic is gone or one partition is led by nobody, and then never learns who leads the others.
 */
import { FrameWriter } from './frame.ts'
import { type ClusterMetadata, type Decoder, type Exchange, kafkajs, type TopicMetadata } from './kafkajs.ts'

const METADATA = { apiKey: 3, apiVersion: 5, apiName: 'Metadata' }

/**
 * What a broker knows of the cluster and of these topics.
 *
 * @param before what was known: of a topic with an error (`topicErrorCode`) it holds on, so that nobody takes a topic that
 *   a broker has not heard of for one without partitions.
 */
export function metadataExchange(
  topics: readonly string[],
  before: readonly TopicMetadata[],
): Exchange<ClusterMetadata> {
  const frame = new FrameWriter().int32(topics.length)
  for (const topic of topics) {
    frame.string(topic)
  }
  // None is to be made.
  frame.int8(0)
  return {
    ...METADATA,
    parts: frame.parts(),
    decode: (payload) => {
      const answer = clusterOf(new kafkajs.Decoder(payload))
      return { ...answer, topicMetadata: answer.topicMetadata.map((found) => heldOn(found, before)) }
    },
  }
}

function heldOn(found: TopicMetadata, before: readonly TopicMetadata[]): TopicMetadata {
  const known = before.find(({ topic }) => topic === found.topic)
  return found.topicErrorCode === 0 || known === undefined
    ? found
    : { ...found, partitionMetadata: known.partitionMetadata }
}

/** In the order of the protocol. */
function clusterOf(decoder: Decoder): ClusterMetadata {
  decoder.readInt32()
  const brokers = decoder.readArray((each) => ({
    nodeId: each.readInt32(),
    host: each.readString(),
    port: each.readInt32(),
    rack: each.readString(),
  }))
  decoder.readString()
  return { brokers, controllerId: decoder.readInt32(), topicMetadata: decoder.readArray(topicOf) }
}

function topicOf(decoder: Decoder): TopicMetadata {
  const topicErrorCode = decoder.readInt16()
  const topic = decoder.readString()
  decoder.readInt8()
  const partitionMetadata = decoder.readArray((each) => {
    // Its error says that nobody leads it, or that some replica is away; who leads it says the same.
    each.readInt16()
    const partition = { partitionId: each.readInt32(), leader: each.readInt32() }
    for (let list = 0; list < 3; list += 1) {
      each.readArray((nodes) => nodes.readInt32())
    }
    return partition
  })
  return { topicErrorCode, topic, partitionMetadata }
}
