export interface A { b: string }
export type C = A | null;
export async function main<T>(x: Array<T>, { y = 1 }: A): Promise<void> { return (x as any)!.z }
