/** What every sink must honour. Run by `index.test.ts` on each member of the list. */
import { describe, expect, it } from 'vitest'
import type { Notice } from '../../schema/alert.ts'
import { exampleNotice } from '../../test/example-alert.ts'
import type { Sink } from './sink.ts'

/** A sink under test and what its destination holds. */
export interface SinkUnderTest {
  readonly sink: Sink
  /** Every notice the destination has accepted, in order, as it stands there. */
  received(): Promise<readonly Notice['alert'][]>
  close(): Promise<void>
}

export function sinkContract(type: string, open: () => Promise<SinkUnderTest>): void {
  const using = async (run: (subject: SinkUnderTest) => Promise<void>): Promise<void> => {
    const subject = await open()
    try {
      await run(subject)
    } finally {
      await subject.sink.close?.()
      await subject.close()
    }
  }
  const forever = new AbortController().signal

  describe(`sink ${type}`, () => {
    it('has delivered what it has accepted', () =>
      using(async ({ sink, received }) => {
        await sink.write(exampleNotice(1), forever)
        await sink.write(exampleNotice(2), forever)
        expect((await received()).map(({ alert_id }) => alert_id)).toEqual(
          [1, 2].map((n) => exampleNotice(n).alert.alert_id),
        )
      }))

    it('takes a notice again that it has taken already', () =>
      using(async ({ sink }) => {
        await sink.write(exampleNotice(1), forever)
        await sink.write(exampleNotice(1), forever)
      }))

    it('delivers many at one time, each whole', () =>
      using(async ({ sink, received }) => {
        const notices = Array.from({ length: 50 }, (_, n) => exampleNotice(n))
        await Promise.all(notices.map((notice) => sink.write(notice, forever)))
        expect(new Set((await received()).map(({ alert_id }) => alert_id)).size).toBe(50)
      }))

    it('keeps hostile text as it is, inside its field', () =>
      using(async ({ sink, received }) => {
        const hostile = 'a\r\nb\u2028c\u0000\u001b[31m<script>{{x}}`$y`"\\'
        const notice = exampleNotice(1, { reason: hostile })
        await sink.write(notice, forever)
        const [alert, ...rest] = await received()
        expect(alert?.reason).toBe(hostile)
        expect(rest).toHaveLength(0)
      }))

    it('does not start when it is already told to stop', () =>
      using(async ({ sink, received }) => {
        await expect(sink.write(exampleNotice(1), AbortSignal.abort())).rejects.toThrow()
        expect(await received()).toHaveLength(0)
      }))
  })
}
