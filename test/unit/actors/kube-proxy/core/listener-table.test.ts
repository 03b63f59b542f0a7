import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ListenerCommand, WantedListener } from "../../../../../actors/kube-proxy/core/listener-table.ts";
import { LISTENER_TABLE_DEFAULTS, ListenerTable } from "../../../../../actors/kube-proxy/core/listener-table.ts";

const WEB: WantedListener = { host: "127.96.0.7", port: 80, kind: "cluster", servicePort: "shop/web:80" };
const NODE: WantedListener = { host: "127.32.0.1", port: 30_080, kind: "node", servicePort: "shop/web:80" };
const ID = "127.96.0.7:80";

describe("ListenerTable", () => {
  it("binds what is new, closes what is gone, leaves the rest alone", () => {
    const table = new ListenerTable();
    expect(table.want([WEB])).toEqual([{ kind: "listen", id: ID, address: { host: WEB.host, port: 80 } }]);
    table.bound(ID, WEB);
    expect(table.want([WEB, NODE]).map((command) => command.kind)).toEqual(["listen"]);
    expect(table.want([NODE])).toEqual([{ kind: "close", id: ID }]);
    expect(table.wanted(ID)).toBeUndefined();
  });

  it("serves a privileged port on another port of the same address, the published one if there is one", () => {
    const table = new ListenerTable();
    table.want([WEB]);
    expect(table.refused(ID, "PERMISSION_DENIED")).toEqual([
      { kind: "listen", id: ID, address: { host: WEB.host, port: 0 } },
    ]);
    const again = new ListenerTable();
    again.want([{ ...WEB, published: { host: WEB.host, port: 41_233 } }]);
    expect(again.refused(ID, "PERMISSION_DENIED")[0]).toMatchObject({ address: { host: WEB.host, port: 41_233 } });
    expect(again.refused(ID, "ADDRESS_IN_USE")[0]).toMatchObject({ address: { host: WEB.host, port: 0 } });
  });

  it("serves an address that the machine does not have on 127.0.0.1", () => {
    const table = new ListenerTable();
    table.want([WEB]);
    expect(table.refused(ID, "ADDRESS_NOT_AVAILABLE")).toEqual([
      { kind: "listen", id: ID, address: { host: "127.0.0.1", port: 0 } },
    ]);
    table.bound(ID, { host: "127.0.0.1", port: 40_001 });
    expect(table.list()).toEqual([{ wanted: WEB, bound: { host: "127.0.0.1", port: 40_001 } }]);
  });

  it("tries a taken address again with growing pauses, and at last goes elsewhere", () => {
    const table = new ListenerTable();
    table.want([WEB]);
    const pauses: number[] = [];
    for (;;) {
      const command: ListenerCommand | undefined = table.refused(ID, "ADDRESS_IN_USE")[0];
      if (command?.kind !== "retry") {
        expect(command).toMatchObject({ kind: "listen", address: { host: "127.0.0.1", port: 0 } });
        break;
      }
      pauses.push(command.delayMs);
      table.retryDue(ID);
    }
    expect(pauses).toHaveLength(LISTENER_TABLE_DEFAULTS.inUseMax);
    expect(pauses[0]).toBeLessThan(5);
    expect(Math.max(...pauses)).toBe(LISTENER_TABLE_DEFAULTS.retryMaxMs);
  });

  it("gives a node port up that is not to be had, and keeps trying one that is taken", () => {
    const table = new ListenerTable();
    table.want([NODE]);
    const id = "127.32.0.1:30080";
    for (let attempt = 0; attempt < 50; attempt++) {
      expect(table.refused(id, "ADDRESS_IN_USE")[0]?.kind).toBe("retry");
      table.retryDue(id);
    }
    expect(table.refused(id, "ADDRESS_NOT_AVAILABLE")[0]?.kind).toBe("give-up");
  });

  it("closes a listener whose bind ends after it is no longer wanted", () => {
    const table = new ListenerTable();
    table.want([WEB]);
    expect(table.want([])).toEqual([]);
    expect(table.bound(ID, WEB)).toEqual([{ kind: "close", id: ID }]);
    table.want([WEB]);
    table.want([]);
    table.want([WEB]);
    expect(table.bound(ID, WEB)).toEqual([]);
    expect(table.list()).toHaveLength(1);
  });

  it("holds exactly what is wanted once all binds have ended, whatever the order", () => {
    const places = [WEB, NODE, { ...WEB, host: "127.96.0.8" }, { ...WEB, port: 443 }];
    const step = fc.oneof(fc.record({ want: fc.subarray(places) }), fc.record({ finish: fc.nat(3), ok: fc.boolean() }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.subarray(places), (steps, last) => {
        const table = new ListenerTable();
        const pending = new Set<string>();
        const open = new Set<string>();
        const run = (commands: readonly ListenerCommand[]): void => {
          for (const command of commands) {
            if (command.kind === "listen") {
              expect(pending.has(command.id)).toBe(false);
              pending.add(command.id);
            } else if (command.kind === "close") expect(open.delete(command.id)).toBe(true);
            else if (command.kind === "retry") run(table.retryDue(command.id));
          }
        };
        const finish = (id: string, ok: boolean): void => {
          pending.delete(id);
          if (!ok) return run(table.refused(id, "ADDRESS_IN_USE"));
          open.add(id);
          const [host = "", port] = id.split(":");
          run(table.bound(id, { host, port: Number(port) }));
        };
        for (const each of steps) {
          if ("want" in each) run(table.want(each.want));
          else {
            const id = [...pending][each.finish];
            if (id !== undefined) finish(id, each.ok);
          }
        }
        run(table.want(last));
        while (pending.size > 0) for (const id of [...pending]) finish(id, true);
        expect([...open].sort()).toEqual(last.map((each) => `${each.host}:${each.port}`).sort());
      }),
    );
  });
});
