/** Kafka's own programs, from Maven Central into a cache outside the checkout. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { packagePath } from '../../package-files.ts'

/** The lines of Kafka that are tested, and the release that stands for each. */
export const KAFKA_RELEASES = { '3.9': '3.9.2', '4.2': '4.2.1' } as const
export type KafkaVersion = keyof typeof KAFKA_RELEASES

const POM = packagePath('test/kafka/pom.xml')

/** The `java` to run. `JAVA_HOME` goes first, as everywhere. */
export const JAVA = process.env.JAVA_HOME === undefined ? 'java' : join(process.env.JAVA_HOME, 'bin', 'java')

/** A program that brokers need is not installed; the message names it. Another way to a Kafka may be tried. */
export class MissingProgram extends Error {}

/**
 * The class path of a Kafka release; downloaded (50 MB) the first time, into `TELLTALE_KAFKA_JARS` or the user's
 * cache directory. Safe when several processes ask at once. Throws `MissingProgram` without Java or Maven, and an
 * error that says what to do when Maven cannot reach the network.
 */
export async function kafkaClassPath(version: KafkaVersion): Promise<string> {
  await demand(JAVA, ['-version'], 'Java (17 or newer; Debian: apt-get install default-jre-headless)')
  const release = KAFKA_RELEASES[version]
  const directory = join(cacheDirectory(), release)
  if (!existsSync(directory)) {
    await demand('mvn', ['--version'], 'Maven (Debian: apt-get install maven)')
    await download(release, directory)
  }
  return join(directory, '*')
}

function cacheDirectory(): string {
  const { TELLTALE_KAFKA_JARS, XDG_CACHE_HOME } = process.env
  return TELLTALE_KAFKA_JARS ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'telltale', 'kafka')
}

/** Whole or not at all: Maven fills a directory of its own, which is then renamed. */
async function download(release: string, directory: string): Promise<void> {
  mkdirSync(dirname(directory), { recursive: true })
  const partial = mkdtempSync(`${directory}.`)
  const goal = ['-B', '-q', '-Dstyle.color=never', '-f', POM, 'dependency:copy-dependencies', '-DincludeScope=runtime']
  try {
    await promisify(execFile)('mvn', [...goal, `-Dkafka.version=${release}`, `-DoutputDirectory=${partial}`])
    renameSync(partial, directory)
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    if (existsSync(directory)) {
      return // Another process was first.
    }
    const { stdout, message } = error as { stdout?: string; message: string }
    throw new Error(
      `Maven could not fetch Kafka ${release}: ${(stdout || message).trim().slice(0, 2000)}\n` +
        'Let Maven reach Maven Central or a mirror (settings.xml), or set KAFKA_BROKERS=host:port to use a running Kafka.',
    )
  }
}

async function demand(program: string, args: readonly string[], what: string): Promise<void> {
  try {
    await promisify(execFile)(program, args)
  } catch {
    throw new MissingProgram(`Kafka for tests needs ${what}: '${program} ${args.join(' ')}' does not run here`)
  }
}
