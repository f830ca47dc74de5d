// Asks the gateway for one of many things, and again, later, where it says that it was asked too often.

const SLOW_DOWN = 429;

export const patiently = async (gateway, method, fields, signal) => {
  for (;;) {
    try {
      return await gateway.call(method, fields);
    } catch (error) {
      const { error: code, retry_after_ms: wait } = error.frame ?? {};
      if (code !== SLOW_DOWN || wait === undefined || signal.aborted) throw error;
      await new Promise((done) => { setTimeout(done, wait); });
    }
  }
};
