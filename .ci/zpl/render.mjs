// Draws ZPL for the tests. One line of JSON in, {zpl, width_mm, height_mm, dpmm}; one line out, {pictures: [PNG in
// base64, …]} or {error}. One process serves a whole test session: starting it costs more than a hundred labels.
import { createInterface } from "node:readline"
import { ready } from "zpl-renderer-js"

const { api } = await ready

for await (const line of createInterface({ input: process.stdin })) {
    const { zpl, width_mm, height_mm, dpmm } = JSON.parse(line)
    let answer
    try {
        answer = { pictures: await api.zplToBase64MultipleAsync(zpl, width_mm, height_mm, dpmm) }
    } catch (error) {
        answer = { error: String(error?.message ?? error) }
    }
    process.stdout.write(JSON.stringify(answer) + "\n")
}
