/**
 * MITRE ATLAS: ids, names and tactics of its techniques, and where ids and names of older releases went.
 *
 * The table is release 2026.09. Alerts carry `ATLAS_VERSION` beside the ids, because releases come about monthly and
 * names move.
 */

/** The release of the table; `atlas_version` of every alert. */
export const ATLAS_VERSION = '2026.09'

export interface Tactic {
  /** `AML.TA0005`. ATLAS ids, not those of ATT&CK: equal numbers mean other things there. */
  readonly id: string
  readonly name: string
}

export interface Technique {
  /** `AML.T0051` or, for a sub-technique, `AML.T0051.001`. */
  readonly id: string
  /** The name as ATLAS prints it; of a sub-technique alone it says little (`Indirect`). */
  readonly name: string
  /** The name with that of its parent: `LLM Prompt Injection: Indirect`. */
  readonly title: string
  readonly parent?: string
  /** Ids of the tactics it achieves, in the order of ATLAS. */
  readonly tactics: readonly string[]
}

/** All tactics, in the order of the matrix. */
export const TACTICS: readonly Tactic[] = [
  { id: 'AML.TA0002', name: 'Reconnaissance' },
  { id: 'AML.TA0003', name: 'Resource Development' },
  { id: 'AML.TA0001', name: 'AI Attack Adaptation' },
  { id: 'AML.TA0004', name: 'Initial Access' },
  { id: 'AML.TA0000', name: 'AI Model Access' },
  { id: 'AML.TA0005', name: 'Execution' },
  { id: 'AML.TA0006', name: 'Persistence' },
  { id: 'AML.TA0012', name: 'Privilege Escalation' },
  { id: 'AML.TA0007', name: 'Defense Evasion' },
  { id: 'AML.TA0013', name: 'Credential Access' },
  { id: 'AML.TA0008', name: 'Discovery' },
  { id: 'AML.TA0015', name: 'Lateral Movement' },
  { id: 'AML.TA0009', name: 'Collection' },
  { id: 'AML.TA0014', name: 'Command and Control' },
  { id: 'AML.TA0010', name: 'Exfiltration' },
  { id: 'AML.TA0011', name: 'Impact' },
]

// One line a technique: number, tactic numbers, name; its sub-techniques follow it and share its tactics.
const TABLE = `
  0000 0002 Search Open Technical Databases
  .000 Journals and Conference Proceedings
  .001 Pre-Print Repositories
  .002 Technical Blogs
  .003 Scan Databases
  0001 0002 Search Open AI Vulnerability Analysis
  0002 0003 Acquire Public AI Artifacts
  .000 Datasets
  .001 Models
  .002 AI Agent Configuration
  0003 0002 Search Victim-Owned Websites
  0004 0002 Search Application Repositories
  0005 0001 Create Proxy AI Model
  .000 Train Proxy via Gathered AI Artifacts
  .001 Train Proxy via Replication
  .002 Use Pre-Trained Model
  0006 0002 Active Scanning
  .000 Enumerate Hosted AI Resources
  .001 Query Platform Metadata APIs
  .002 Scan for Exposed AI Infrastructure
  .003 Probe AI Agent Trigger Channels
  0007 0008 Discover AI Artifacts
  0008 0003 Acquire Infrastructure
  .000 AI Development Workspaces
  .001 Consumer Hardware
  .002 Domains
  .003 Physical Countermeasures
  .004 Serverless
  .005 AI Service Proxies
  0010 0004 AI Supply Chain Compromise
  .000 Hardware
  .001 AI Software
  .002 Data
  .003 Model
  .004 Container Registry
  .005 AI Agent Tool
  0011 0005 User Execution
  .000 Unsafe AI Artifacts
  .001 Malicious Package
  .002 Poisoned AI Agent Tool
  .003 Malicious Link
  0012 0004+0012+0015 Valid Accounts
  0013 0008 Discover AI Model Ontology
  0014 0008 Discover AI Model Family
  0015 0004+0007+0011 Evade AI Model
  0016 0003 Obtain Capabilities
  .000 Adversarial AI Attack Implementations
  .001 Software Tools
  .002 Generative AI
  .003 Exploits
  .004 AI Agent Tools
  0017 0003 Develop Capabilities
  .000 Adversarial AI Attacks
  .001 Autonomous Exploit Development
  .002 AI Agent Tools
  0018 0001+0006 Manipulate AI Model
  .000 Poison AI Model
  .001 Modify AI Model Architecture
  .002 Embed Malware
  .003 Modify Prompt Construction Logic
  0020 0006 Training Data Poisoning
  0021 0003 Establish Accounts
  0024 0010 Exfiltration via AI Inference API
  .000 Infer Training Data Membership
  .001 Invert AI Model
  .002 Extract AI Model
  0025 0010 Exfiltration via Cyber Means
  0029 0011 Denial of AI Service
  0031 0011 Erode AI Model Integrity
  0034 0011 Cost Harvesting
  .000 Excessive Queries
  .001 Resource-Intensive Queries
  .002 Agentic Resource Consumption
  0035 0009 AI Artifact Collection
  0036 0009 Data from Information Repositories
  0037 0009 Data from Local System
  0040 0000 AI Model Inference API Access
  0041 0000 Physical Environment Access
  0042 0001 Verify Attack
  0043 0001 Craft Adversarial Data
  .000 White-Box Optimization
  .001 Black-Box Optimization
  .002 Black-Box Transfer
  .003 Manual Modification
  .004 Insert Backdoor Trigger
  0044 0000 Full AI Model Access
  0046 0011 Spamming AI System with Chaff Data
  0047 0000 AI-Enabled Product or Service
  0048 0011 External Harms
  .000 Financial Harm
  .001 Reputational Harm
  .002 Societal Harm
  .003 User Harm
  .004 AI Intellectual Property Theft
  0049 0004 Exploit Public-Facing Application
  0050 0005 Command and Scripting Interpreter
  0051 0005 LLM Prompt Injection
  .000 Direct
  .001 Indirect
  .002 Triggered
  0052 0004+0015 Phishing
  .000 Spearphishing via Social Engineering LLM
  .001 Deepfake-Assisted Phishing
  0053 0005+0012+0015 AI Agent Tool Invocation
  0054 0012+0007 LLM Jailbreak
  0055 0013 Unsecured Credentials
  0056 0010 Extract LLM System Prompt
  0057 0010 LLM Data Leakage
  0059 0011 Erode Dataset Integrity
  0060 0003 Publish Hallucinated Entities
  0061 0006 LLM Prompt Self-Replication
  0062 0008 Discover LLM Hallucinations
  0063 0008 Discover AI Model Outputs
  0064 0002 Gather RAG-Indexed Targets
  0065 0001 LLM Prompt Crafting
  0066 0001 Retrieval Content Crafting
  0067 0007 LLM Trusted Output Components Manipulation
  .000 Citations
  0068 0007 LLM Prompt Obfuscation
  0069 0008 Discover LLM System Information
  .000 Special Character Sets
  .001 System Instruction Keywords
  .002 System Prompt
  0070 0006 RAG Poisoning
  0071 0007 False RAG Entry Injection
  0072 0014 Cyber Communication Channel
  0073 0007 Impersonation
  0074 0007 Masquerading
  0075 0008 Enterprise Resource Discovery
  0076 0007 Corrupt AI Model
  0077 0010 LLM Response Rendering
  0078 0004 Drive-by Compromise
  0079 0003 Stage Capabilities
  0080 0006 AI Agent Context Poisoning
  .000 Memory
  .001 Thread
  0081 0006+0007 Modify AI Agent Configuration
  0082 0013 RAG Credential Harvesting
  0083 0013 Credentials from AI Agent Configuration
  0084 0008 Discover AI Agent Configuration
  .000 Embedded Knowledge
  .001 Tool Definitions
  .002 Activation Triggers
  .003 Call Chains
  0085 0009 Data from AI Services
  .000 RAG Databases
  .001 AI Agent Tools
  0086 0010 Exfiltration via AI Agent Tool Invocation
  0087 0002 Gather Victim Identity Information
  0088 0001 Generate Deepfakes
  0089 0008 Enterprise Environment Discovery
  0090 0013 OS Credential Dumping
  0091 0015 Use Alternate Authentication Material
  .000 Application Access Token
  .001 Web Session Cookie
  0092 0007 Manipulate User LLM Chat History
  0093 0004+0006 Prompt Infiltration via Public-Facing Application
  0094 0007 Delay Execution of LLM Instructions
  0095 0002 Search Open Websites/Domains
  .000 Code Repositories
  0096 0014 AI Service API
  0097 0007 Virtualization/Sandbox Evasion
  0098 0013 AI Agent Tool Credential Harvesting
  0099 0006 AI Agent Tool Data Poisoning
  0100 0005 AI Agent Clickbait
  0101 0011 Data Destruction via AI Agent Tool Invocation
  0102 0001 Generate Malicious Commands
  0103 0005 Deploy AI Agent
  0105 0012 Escape to Host
  0106 0013 Exploitation for Credential Access
  0107 0007 Exploitation for Defense Evasion
  0108 0014 AI Agent
  0109 0007 AI Supply Chain Rug Pull
  0110 0006 AI Agent Tool Poisoning
  .000 Definition and Instructions
  .001 Implementation
  .002 Runtime Response
  0111 0007 AI Supply Chain Reputation Inflation
  0112 0011 Machine Compromise
  .000 Local AI Agent
  .001 AI Artifacts
  0113 0013 Steal Web Session Cookie
  0114 0014 AI Service Web Interface
  0115 0003 Publish Poisoned AI Artifacts
  .000 Datasets
  .001 Models
  .002 AI Agent Tools
  0116 0002 Autonomous Reconnaissance
  0117 0001 Autonomous Attack-Path Adaptation
  0118 0001 Autonomous AI Agent Communication
  .000 Communication via Shared Artifacts
  .001 Direct Agent Communication
  0119 0004 Exploit Automated Artifact Processing Pipeline
  0120 0014 AI Artifact Repository
  0121 0006 AI Agent Environment Reconstruction
  0122 0015 Exploitation of Remote Services
  0123 0007 Obfuscated Files or Information
  0124 0001 Autonomous Attack Orchestration
  0125 0006 Create Account
  0126 0009 Automated Collection
  0127 0009 Data Staged
  0128 0003 Compromise Infrastructure
  0129 0007 Triggers in Multimodal Inputs
  0130 0011 AI Agent Response Biasing
  0131 0004 Crafted AI Assistant Links
  0132 0004 Misconfigured or Publicly Exposed AI Services
  0133 0008 Discover AI Agent Runtime Capabilities
  0134 0007 AI Targeted Cloaking
`

/** Ids that newer releases dropped, and what says the same now. */
const MOVED_IDS: Readonly<Record<string, string>> = {
  'AML.T0019': 'AML.T0115.000',
  'AML.T0045': 'AML.T0048.004',
  'AML.T0058': 'AML.T0115.001',
  'AML.T0104': 'AML.T0115.002',
}

/** Names of older releases. Where only "ML" became "AI", no entry is needed. */
const FORMER_NAMES: Readonly<Record<string, string>> = {
  'Backdoor ML Model': 'AML.T0018',
  'Cloud Service Discovery': 'AML.T0075',
  'Inject Payload': 'AML.T0018.001',
  'LLM Meta Prompt Extraction': 'AML.T0056',
  'LLM Plugin Compromise': 'AML.T0053',
  'ML Intellectual Property Theft': 'AML.T0048.004',
  'Poison ML Model': 'AML.T0018.000',
  'Poison Training Data': 'AML.T0020',
  'Process Discovery': 'AML.T0089',
  'Publish Poisoned AI Agent Tool': 'AML.T0115.002',
  'Publish Poisoned Datasets': 'AML.T0115.000',
  'Publish Poisoned Models': 'AML.T0115.001',
  'Reverse Shell': 'AML.T0072',
}

/** All techniques and sub-techniques, in the order of their ids. */
export const TECHNIQUES: readonly Technique[] = parseTable(TABLE)

const byId = new Map(TECHNIQUES.map((each) => [each.id, each]))
const byName = new Map(TECHNIQUES.map((each) => [each.title.toLowerCase(), each]))
const byFormerName = new Map(Object.entries(FORMER_NAMES).map(([name, id]) => [name.toLowerCase(), byId.get(id)]))
const tacticsById = new Map(TACTICS.map((each) => [each.id, each]))

/**
 * Finds a technique by its id or its title, those of older releases included; an id that moved gives the technique
 * it moved to. `undefined` when ATLAS never had it. Called for every alert and when detectors and rules load.
 */
export function technique(idOrName: string): Technique | undefined {
  const known = byId.get(MOVED_IDS[idOrName] ?? idOrName)
  if (known !== undefined) {
    return known
  }
  const name = idOrName.toLowerCase()
  return byName.get(name) ?? byFormerName.get(name) ?? byName.get(name.replace(/\bml\b/g, 'ai'))
}

/** Finds a tactic by its id. */
export function tactic(id: string): Tactic | undefined {
  return tacticsById.get(id)
}

function parseTable(table: string): readonly Technique[] {
  const techniques: Technique[] = []
  let parent: Technique | undefined
  for (const line of table.trim().split('\n')) {
    const [number = '', ...words] = line.trim().split(' ')
    if (number.startsWith('.') && parent !== undefined) {
      const name = words.join(' ')
      const title = `${parent.name}: ${name}`
      techniques.push({ id: parent.id + number, name, title, parent: parent.id, tactics: parent.tactics })
    } else {
      const [tactics = '', ...rest] = words
      const name = rest.join(' ')
      parent = { id: `AML.T${number}`, name, title: name, tactics: tactics.split('+').map((each) => `AML.TA${each}`) }
      techniques.push(parent)
    }
  }
  return techniques
}
