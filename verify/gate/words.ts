/** Begin of what the gate says when policies that its update deletes afterwards were in its way. */
export const notProved = "not proved: ";
