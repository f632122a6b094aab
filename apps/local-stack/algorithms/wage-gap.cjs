// Mean and median wages by gender and by education, without naming anybody: groups below five people are withheld.
//
// An algorithm is one file. It is told where things are by its environment, reads the datasets, and writes its results:
//   DIDS     JSON list of the datasets' identifiers, in the order they were ordered
//   INPUTS   one folder a dataset, named by its identifier; in it the dataset's files: 0, 1, 2, …
//   OUTPUTS  whatever lies here when the algorithm ends is what the consumer gets
// What it prints becomes the job's log. It has no network. Its file arrives without an extension, which Node reads as
// CommonJS: hence `require`.
const { readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const SMALLEST_GROUP = 5
const EDUCATION_GROUPS = [
  { label: 'up to 5 years', to: 5 },
  { label: '6 to 8 years', to: 8 },
  { label: '9 to 11 years', to: 11 },
  { label: '12 years', to: 12 },
  { label: '13 to 15 years', to: 15 },
  { label: '16 years and more', to: Infinity },
]

const [did] = JSON.parse(process.env.DIDS)
const inputs = process.env.INPUTS ?? '/data/inputs'
const outputs = process.env.OUTPUTS ?? '/data/outputs'

const workers = readCsv(join(inputs, did, '0'))
console.log(`read ${workers.length} workers`)

const byGender = summarise(workers, (worker) => worker.gender)
const byEducation = summarise(workers, (worker) => educationGroup(Number(worker.education)))
const result = {
  workers: workers.length,
  unit: 'dollars per hour',
  byGender,
  womenEarnPerDollarOfMen: round(byGender.female.mean / byGender.male.mean),
  byEducation,
}

writeFileSync(join(outputs, 'result.json'), JSON.stringify(result, null, 2) + '\n')
console.log(`women earn ${result.womenEarnPerDollarOfMen} dollars for each dollar of men (means)`)
const withheld = Object.values(byEducation).filter((group) => group === 'withheld').length
console.log(`${withheld} group(s) withheld, so that no group below ${SMALLEST_GROUP} people can be told`)

/** One object a line, named by the header; the file has no quoted fields. */
function readCsv(path) {
  const [header, ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/)
  const names = header.split(',')
  return lines.map((line) => {
    const values = line.split(',')
    return Object.fromEntries(names.map((name, index) => [name, values[index]]))
  })
}

/**
 * Group size, mean and median wage a group, in the order of the labels. A group below the smallest size is withheld;
 * where that alone would let it be told from the total, the smallest of the others is withheld with it.
 */
function summarise(people, labelOf) {
  const wagesByLabel = new Map()
  for (const person of people) {
    const label = labelOf(person)
    wagesByLabel.set(label, [...(wagesByLabel.get(label) ?? []), Number(person.wage)])
  }
  const bySize = [...wagesByLabel].sort(([, a], [, b]) => a.length - b.length)
  const withheld = new Set()
  let hiddenPeople = 0
  for (const [label, wages] of bySize) {
    const isSmall = wages.length < SMALLEST_GROUP
    const isTold = withheld.size > 0 && hiddenPeople < SMALLEST_GROUP
    if (!isSmall && !isTold) break
    withheld.add(label)
    hiddenPeople += wages.length
  }
  const rank = (label) => EDUCATION_GROUPS.findIndex((group) => group.label === label)
  const labels = [...wagesByLabel.keys()].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  return Object.fromEntries(
    labels.map((label) => [label, withheld.has(label) ? 'withheld' : describe(wagesByLabel.get(label))]),
  )
}

function describe(wages) {
  const mean = wages.reduce((sum, wage) => sum + wage, 0) / wages.length
  return { people: wages.length, mean: round(mean), median: round(median(wages)) }
}

function median(wages) {
  const sorted = [...wages].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function educationGroup(years) {
  return EDUCATION_GROUPS.find((group) => years <= group.to).label
}

function round(value) {
  return Math.round(value * 100) / 100
}
