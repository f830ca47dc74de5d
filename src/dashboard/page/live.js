// What all views do: they show, show again when something has changed, and tell what went wrong.

// Does a thing soon, and once for all who ask until then: changes come faster than anybody reads.
export const soon = (work, ms = 250) => {
  let timer;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      work();
    }, ms);
  };
};

// Does a thing once at a time: where it is asked for while it is being done, it is done once more after that.
export const inTurn = (work) => {
  let [running, again] = [undefined, false];
  const run = async () => {
    try {
      while (again) {
        again = false;
        await work();
      }
    } finally {
      running = undefined;
    }
  };
  return () => {
    again = true;
    running ??= run();
    return running;
  };
};

// A listener that does something and, where that fails, tells why. A form it listens to is not sent anywhere.
export const trying = (tell, work) => async (event) => {
  if (event?.type === 'submit') event.preventDefault();
  try {
    await work(event);
  } catch (error) {
    tell(error.message);
  }
};

// Shows something now, and again after each change to what it is about. Gives what ends that.
export const keep = async (gateway, about, tell, refresh) => {
  await refresh();
  return gateway.watch(about, soon(trying(tell, refresh)));
};
