// @ts-check
/** The floor has no browser half: browsers open no connections of their own protocol. Never served. */
export {};
