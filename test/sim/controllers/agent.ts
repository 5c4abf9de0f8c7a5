/** An agent and its host that do what a test says; every report goes through the function that the API server uses. */
import { NAMESPACE } from '../../../src/api/names.ts';
import { BottlerocketShadows } from '../../../src/api/v2/bottlerocketshadow.ts';
import type { BottlerocketShadow, HostFacts, ShadowState } from '../../../src/api/v2/bottlerocketshadow.ts';
import { legalReport, reportPatch } from '../../../src/protocol/report.ts';
import type { AgentReport } from '../../../src/protocol/report.ts';
import { rfc3339 } from '../../../src/runtime/clock.ts';
import { isKubernetesError } from '../../../src/runtime/kubernetes.ts';
import type { SimClient } from '../../../src/sim/cluster/client.ts';
import { NEW, OLD } from './world.ts';
import type { TestWorld } from './world.ts';

/** How long things take, and what goes wrong. */
export interface Script {
  stageMs: number;
  rebootMs: number;
  /** The host stages nothing: it says this. */
  stageError?: string;
  /** It boots the old version again. */
  fallsBack: boolean;
  /** It does not come back. */
  staysAway: boolean;
  /** It says nothing. */
  isSilent: boolean;
}

const LOOK_MS = 500;

export class ScriptedAgent {
  version = OLD;
  bootId: string;
  boots = 1;
  reboots: { version: string; atMs: number }[] = [];
  script: Script = { stageMs: 10_000, rebootMs: 20_000, fallsBack: false, staysAway: false, isSilent: false };
  refusals: string[] = [];
  readonly #world: TestWorld;
  readonly #name: string;
  readonly #port: SimClient;
  #stageDoneMs: number | undefined;
  #isUp = true;

  constructor(world: TestWorld, name: string, signal: AbortSignal) {
    this.#world = world;
    this.#name = name;
    this.#port = world.cluster.client(`agent-${name}`);
    this.bootId = `${name}-boot-1`;
    void this.#run(signal);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#world;
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS);
      if (!this.#isUp || this.script.isSilent) continue;
      const shadow = this.#world.shadow(this.#name);
      if (shadow !== undefined) await this.#act(shadow);
    }
  }

  #act(shadow: BottlerocketShadow): Promise<void> {
    switch (shadow.spec.state) {
      case 'Idle':
        this.#stageDoneMs = undefined;
        return this.#reportIfNew(shadow, 'Idle', {
          staged: null,
          saved: null,
          rebootIntent: null,
          error: null,
        });
      case 'StagedAndPerformedUpdate':
        return this.#stage(shadow);
      case 'RebootedIntoUpdate':
        return this.#reboot(shadow);
      case 'MonitoringUpdate':
        return this.#reportIfNew(shadow, 'MonitoringUpdate', {});
      case 'ErrorReset':
        return Promise.resolve();
    }
  }

  async #stage(shadow: BottlerocketShadow): Promise<void> {
    this.#stageDoneMs ??= this.#world.clock.now() + this.script.stageMs;
    if (this.script.stageError !== undefined) {
      const error = { code: 'StageFailed', message: this.script.stageError, at: this.#at() } as const;
      return this.#reportIfNew(shadow, 'ErrorReset', { error });
    }
    if (this.#world.clock.now() < this.#stageDoneMs) return;
    const staged = {
      version: shadow.spec.version ?? '',
      attempt: shadow.spec.attempt ?? 0,
      bootId: this.bootId,
      timestamp: 't',
    };
    await this.#reportIfNew(shadow, 'StagedAndPerformedUpdate', { staged, updateState: 'Ready' });
  }

  async #reboot(shadow: BottlerocketShadow): Promise<void> {
    const host = shadow.status?.host;
    if (this.bootId !== host?.staged?.bootId) {
      if (this.version === shadow.spec.version)
        return this.#reportIfNew(shadow, 'RebootedIntoUpdate', { rebootIntent: null });
      const error = { code: 'BootFallback', message: 'the old version runs', at: this.#at() } as const;
      return this.#reportIfNew(shadow, 'ErrorReset', { error, rebootIntent: null });
    }
    if (host.rebootIntent === undefined || host.rebootIntent === null) {
      const rebootIntent = {
        version: shadow.spec.version ?? '',
        bootId: this.bootId,
        generation: shadow.metadata.generation ?? 0,
        at: this.#at(),
      };
      await this.#report(shadow, 'StagedAndPerformedUpdate', { rebootIntent });
      return;
    }
    await this.#powerCycle(shadow.spec.version ?? '');
  }

  async #powerCycle(version: string): Promise<void> {
    const { clock, kubelets } = this.#world;
    const kubelet = kubelets.get(this.#name);
    this.reboots.push({ version, atMs: clock.now() });
    this.#isUp = false;
    kubelet?.powerOff();
    if (this.script.staysAway) return;
    await clock.sleep(this.script.rebootMs);
    if (!this.script.fallsBack) this.version = version;
    this.bootId = `${this.#name}-boot-${++this.boots}`;
    kubelet?.powerOn({ bootId: this.bootId, osImage: `Bottlerocket OS ${this.version} (aws-k8s-1.36)` });
    this.#isUp = true;
  }

  /** The machine that stayed away comes back after all. */
  comeBack(version: string): void {
    this.version = version;
    this.bootId = `${this.#name}-boot-${++this.boots}`;
    this.#world.kubelets
      .get(this.#name)
      ?.powerOn({ bootId: this.bootId, osImage: `Bottlerocket OS ${version} (aws-k8s-1.36)` });
    this.#isUp = true;
  }

  async #reportIfNew(
    shadow: BottlerocketShadow,
    state: ShadowState,
    facts: Partial<HostFacts>,
  ): Promise<void> {
    const { status, metadata } = shadow;
    const isKnown =
      status?.current_state === state &&
      status.current_version === this.version &&
      status.host?.generation === metadata.generation &&
      status.host?.bootId === this.bootId &&
      Object.entries(facts).every(
        ([key, value]) => ((status.host as Record<string, unknown>)[key] ?? null) === null || value !== null,
      );
    if (!isKnown) await this.#report(shadow, state, facts);
  }

  async #report(shadow: BottlerocketShadow, state: ShadowState, facts: Partial<HostFacts>): Promise<void> {
    const { uid: _uid, seq, generation: _generation, ...before } = shadow.status?.host ?? { seq: 0 };
    const report: AgentReport = {
      uid: shadow.metadata.uid ?? '',
      generation: shadow.metadata.generation ?? 0,
      seq: seq + 1,
      current_state: state,
      current_version: this.version,
      target_version: this.version === NEW ? null : NEW,
      host: {
        ...before,
        bootId: this.bootId,
        variant: 'aws-k8s-1.36',
        arch: 'x86_64',
        available: [NEW, OLD],
        updateState: this.version === NEW ? 'Idle' : 'Available',
        checkedAt: this.#at(),
        ...facts,
      },
    };
    const verdict = legalReport(shadow, report, this.#world.clock.now());
    if (!verdict.ok) {
      this.refusals.push(verdict.code);
      return;
    }
    try {
      const key = { namespace: NAMESPACE, name: shadow.metadata.name };
      await this.#port.patch(BottlerocketShadows, key, reportPatch(shadow, report), {
        subresource: 'status',
      });
    } catch (error) {
      if (!isKubernetesError(error)) throw error;
    }
  }

  #at(): string {
    return rfc3339(this.#world.clock.now());
  }
}
