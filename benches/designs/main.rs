use std::time::Instant;
use std::ops::Range;
#[derive(Clone,Debug)] pub struct Anchor{ text:Vec<u8>, nocase:bool }
trait Pre { fn new(a:&[Anchor])->Self where Self:Sized; fn hits(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)); }
fn eq(a:&Anchor,t:&[u8])->bool{ if a.nocase{t.eq_ignore_ascii_case(&a.text)}else{t==&a.text[..]} }

// 0. automaton
struct Auto{ac:aho_corasick::AhoCorasick,a:Vec<Anchor>}
impl Auto{fn build(a:&[Anchor],k:Option<aho_corasick::AhoCorasickKind>)->Self{Auto{ac:aho_corasick::AhoCorasick::builder().ascii_case_insensitive(true).kind(k).build(a.iter().map(|x|&x.text)).unwrap(),a:a.to_vec()}}}
struct Dfa(Auto);
impl Pre for Dfa{ fn new(a:&[Anchor])->Self{Dfa(Auto::build(a,Some(aho_corasick::AhoCorasickKind::DFA)))}
 fn hits(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)){ for m in self.0.ac.find_overlapping_iter(&b[core.clone()]){ let i=m.pattern().as_usize(); let s=core.start+m.start(); if self.0.a[i].nocase||eq(&self.0.a[i],&b[s..s+m.len()]){report(i as u32,s)} } } }
struct Nfa(Auto);
impl Pre for Nfa{ fn new(a:&[Anchor])->Self{Nfa(Auto::build(a,Some(aho_corasick::AhoCorasickKind::ContiguousNFA)))}
 fn hits(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)){ for m in self.0.ac.find_overlapping_iter(&b[core.clone()]){ let i=m.pattern().as_usize(); let s=core.start+m.start(); if self.0.a[i].nocase||eq(&self.0.a[i],&b[s..s+m.len()]){report(i as u32,s)} } } }

// 1. today's grams
const FOLD:u64=0x2020_2020_2020_2020; const THREE:u64=0xff_ffff;
fn h(g:u64,bits:u32)->usize{((g as u32).wrapping_mul(0x9E37_79B1)>>(32-bits)) as usize}
fn gram(t:&[u8])->u64{(0..3).fold(0,|g,i|g|u64::from(t[i]|0x20)<<(8*i))}
struct Grams{map:Box<[u64;4096]>,grams:Vec<(u32,u32,u8)>,a:Vec<Anchor>,short:Vec<(memchr::memmem::Finder<'static>,u32)>}
fn cases(t:&[u8])->Vec<Vec<u8>>{let l=t.to_ascii_lowercase();let mut c=l.clone();c[..1].make_ascii_uppercase();vec![l.to_ascii_uppercase(),c,l]}
impl Pre for Grams{
 fn new(a:&[Anchor])->Self{let mut map=Box::new([0;4096]);let mut grams=vec![];let mut short=vec![];
  for(i,x)in a.iter().enumerate(){ if x.text.len()<4{for t in if x.nocase{cases(&x.text)}else{vec![x.text.clone()]}{short.push((memchr::memmem::Finder::new(&t).into_owned(),i as u32))}continue}
   for o in 0..2{let g=gram(&x.text[o..]);let p=h(g,18);map[p>>6]|=1u64<<(p&63);grams.push((g as u32,i as u32,o as u8))}}
  grams.sort();Grams{map,grams,a:a.to_vec(),short}}
 fn hits(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)){
  let end=b.len().min(core.end+1);let mut at=core.start;
  while at<end{let Some(e)=b.get(at..at+8)else{break};let w=u64::from_le_bytes(e.try_into().unwrap())|FOLD;
   let(x,y,z)=(w&THREE,(w>>16)&THREE,(w>>32)&THREE);let s=self.bit(x)|self.bit(y)<<1|self.bit(z)<<2;
   if s!=0{for(t,g)in[x,y,z].into_iter().enumerate(){if s>>t&1!=0{self.cmp(b,core,at+2*t,g,report)}}}
   at+=6}
  while at<end&&at+3<=b.len(){let g=gram(&b[at..]);if self.bit(g)!=0{self.cmp(b,core,at,g,report)}at+=2}
  for(f,i)in &self.short{for m in f.find_iter(&b[core.start..b.len().min(core.end+2)]){let s=core.start+m;if s<core.end{report(*i,s)}}}
 }}
impl Grams{#[inline]fn bit(&self,g:u64)->u64{let p=h(g,18);self.map[p>>6]>>(p&63)&1}
 #[cold]fn cmp(&self,b:&[u8],core:&Range<usize>,at:usize,g:u64,report:&mut dyn FnMut(u32,usize)){let g=g as u32;let f=self.grams.partition_point(|e|e.0<g);
  for(_,i,o)in self.grams[f..].iter().take_while(|e|e.0==g){let a=&self.a[*i as usize];let Some(s)=at.checked_sub(*o as usize).filter(|s|core.contains(s))else{continue};if b.get(s..s+a.text.len()).is_some_and(|t|eq(a,t)){report(*i,s)}}}}

// 2. rare grams, stride 2, buckets with masked 8-byte compare
// frequency of folded bytes in source text, in 1/256 of the most frequent
static FREQ:std::sync::OnceLock<Vec<f32>>=std::sync::OnceLock::new();
fn freq(g:&[u8])->f32{let f=FREQ.get().unwrap(); // bigram table folded
  let k=|a:u8,b:u8|f[((a|0x20)as usize)<<8|(b|0x20)as usize];
  k(g[0],g[1])*k(g[1],g[2])}
struct Rare{map:Box<[u64;4096]>,first:Vec<u16>,entries:Vec<Entry>,a:Vec<Anchor>,short:Vec<(memchr::memmem::Finder<'static>,u32)>}
#[derive(Clone,Copy)]struct Entry{gram:u32,offset:u32,anchor:u32}
const BUCK:u32=13;
impl Rare{
 fn build(a:&[Anchor],stride:usize,min:usize)->Self{let mut map=Box::new([0;4096]);let mut es:Vec<(usize,Entry)>=vec![];let mut short=vec![];
  for(i,x)in a.iter().enumerate(){ if x.text.len()<4{for t in if x.nocase{cases(&x.text)}else{vec![x.text.clone()]}{short.push((memchr::memmem::Finder::new(&t).into_owned(),i as u32))}continue}
   if x.text.len()<min{continue}
   for r in 0..stride{ let o=(r..=x.text.len()-3).step_by(stride).min_by(|p,q|freq(&x.text[*p..]).total_cmp(&freq(&x.text[*q..]))).unwrap();
     let g=gram(&x.text[o..]);let p=h(g,18);map[p>>6]|=1u64<<(p&63);es.push((p>>(18-BUCK),Entry{gram:g as u32,offset:o as u32,anchor:i as u32}))}}
  es.sort_by_key(|e|(e.0,e.1.gram));
  let mut first=vec![0u16;(1<<BUCK)+1];for k in 0..=1usize<<BUCK{first[k]=es.partition_point(|e|e.0<k)as u16}
  Rare{map,first,entries:es.into_iter().map(|e|e.1).collect(),a:a.to_vec(),short}}
 #[inline]fn bit(&self,g:u64)->u64{let p=h(g,18);self.map[p>>6]>>(p&63)&1}
 #[inline(never)]fn cmp(&self,b:&[u8],core:&Range<usize>,at:usize,g:u64,report:&mut dyn FnMut(u32,usize)){let k=h(g,18)>>(18-BUCK);
  for e in &self.entries[self.first[k]as usize..self.first[k+1]as usize]{ if e.gram!=g as u32{continue} let a=&self.a[e.anchor as usize];let Some(s)=at.checked_sub(e.offset as usize).filter(|s|core.contains(s))else{continue};if b.get(s..s+a.text.len()).is_some_and(|t|eq(a,t)){report(e.anchor,s)}}}
 // longest overhang
 fn run2(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)){
  let end=b.len().min(core.end+self.over());let mut at=core.start;let count=std::env::var("COUNT").is_ok();let mut n=0u64;
  while at<end{let Some(e)=b.get(at..at+8)else{ if count{eprintln!("maphits {n} of {} = {:.3}%",b.len(),100.*n as f64/b.len()as f64)} break};let w=u64::from_le_bytes(e.try_into().unwrap())|FOLD;
   let(x,y,z)=(w&THREE,(w>>16)&THREE,(w>>32)&THREE);let s=self.bit(x)|self.bit(y)<<1|self.bit(z)<<2;
   if s!=0{ if count{n+=s.count_ones()as u64} if s&1!=0{self.cmp(b,core,at,x,report)} if s&2!=0{self.cmp(b,core,at+2,y,report)} if s&4!=0{self.cmp(b,core,at+4,z,report)}}
   at+=6}
  while at<end&&at+3<=b.len(){let g=gram(&b[at..]);if self.bit(g)!=0{self.cmp(b,core,at,g,report)}at+=2}
 }
 fn over(&self)->usize{64}
 fn short(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)){
  for(f,i)in &self.short{for m in f.find_iter(&b[core.start..b.len().min(core.end+2)]){let s=core.start+m;if s<core.end{report(*i,s)}}}
 }
 fn run4(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)){
  let end=b.len().min(core.end+self.over());let mut at=core.start;
  while at<end{let Some(e)=b.get(at..at+8)else{break};let w=u64::from_le_bytes(e.try_into().unwrap())|FOLD;
   let(x,z)=(w&THREE,(w>>32)&THREE);let s=self.bit(x)|self.bit(z)<<1;
   if s!=0{ if s&1!=0{self.cmp(b,core,at,x,report)} if s&2!=0{self.cmp(b,core,at+4,z,report)}}
   at+=8}
  while at<end&&at+3<=b.len(){let g=gram(&b[at..]);if self.bit(g)!=0{self.cmp(b,core,at,g,report)}at+=4}
 }
}
impl Pre for Rare{ fn new(a:&[Anchor])->Self{Self::build(a,2,4)} fn hits(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)){self.run2(b,core,report);self.short(b,core,report)}}

// 3. stride 4 for long ones, Teddy or AC for short ones
struct Split{long:Rare,teddy:Option<aho_corasick::packed::Searcher>,ac:Option<aho_corasick::AhoCorasick>,ids:Vec<u32>,a:Vec<Anchor>}
impl Pre for Split{ fn new(a:&[Anchor])->Self{
  let mut long=Rare::build(a,4,6);long.short.clear();
  let mut pats=vec![];let mut ids=vec![];
  for(i,x)in a.iter().enumerate(){if x.text.len()<6{for t in if x.nocase{cases(&x.text)}else{vec![x.text.clone()]}{pats.push(t);ids.push(i as u32)}}}
  let teddy=if pats.len()<=128{let mut c=aho_corasick::packed::Config::new().builder();for p in &pats{c.add(p);}c.build()}else{None};
  let ac=if teddy.is_none(){Some(aho_corasick::AhoCorasick::builder().kind(Some(aho_corasick::AhoCorasickKind::DFA)).build(&pats).unwrap())}else{None};
  Split{long,teddy,ac,ids,a:a.to_vec()}}
 fn hits(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)){
  self.long.run4(b,core,report);
  let t=&b[core.start..b.len().min(core.end+5)];
  if let Some(td)=&self.teddy{let mut at=0;while let Some(m)=td.find_in(t,(at..t.len()).into()){report(self.ids[m.pattern().as_usize()],core.start+m.start());at=m.start()+1}}
  if let Some(ac)=&self.ac{for m in ac.find_overlapping_iter(t){let s=core.start+m.start();if s<core.end{report(self.ids[m.pattern().as_usize()],s)}}}
  let _=&self.a;
 }}

// 4. rare grams in two tiers: stride 2 with a small map for short anchors at 2 mod 4, both at 0 mod 4
struct Tiers{long:Rare,short:Rare}
impl Pre for Tiers{ fn new(a:&[Anchor])->Self{
   let mut long=Rare::build(a,4,6);
   // the short ones: stride 2
   let mut s=Rare::build(&a.iter().map(|x|if x.text.len()<6{x.clone()}else{Anchor{text:b"!!!".to_vec(),nocase:false}}).collect::<Vec<_>>(),2,4);
   s.short.retain(|(f,_)|f.needle()!=b"!!!");
   long.short.clear();
   Tiers{long,short:s}}
 fn hits(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)){ self.long.run4(b,core,report); self.short.run2(b,core,report); self.short.short(b,core,report);} }

// 5. tokens first: grams only within runs of >=16 token chars that hold a digit... plus Teddy for names
static TOKEN:[bool;256]={let mut t=[false;256];let mut i=0;while i<256{let b=i as u8;t[i]=b.is_ascii_alphanumeric()||matches!(b,b'+'|b'/'|b'_'|b'-');i+=1}t};
fn runs(bytes:&[u8],core:&Range<usize>,report:&mut dyn FnMut(Range<usize>)){
 let mut at=core.start;let limit=bytes.len().min(core.end+16);
 while at<limit{ if !TOKEN[bytes[at]as usize]{at+=16;continue}
  let floor=at.saturating_sub(65537);
  let start=bytes[floor..at].iter().rposition(|b|!TOKEN[*b as usize]).map_or(floor,|g|floor+g+1);
  let end=bytes[at..].iter().position(|b|!TOKEN[*b as usize]).map_or(bytes.len(),|g|at+g);
  if core.contains(&start)&&(16..=65536).contains(&(end-start)){report(start..end)}
  at=end+16;}
}
// blocks: eight token characters in a row at a multiple of eight
fn token_mask(c:&[u8;64])->[u8;64]{let mut o=[0u8;64];for i in 0..64{let b=c[i];let l=b|0x20;
  let t=(l.wrapping_sub(b'a')<26)|(b.wrapping_sub(b'/')<11)|(b==b'+')|(b==b'-')|(b==b'_');o[i]=if t{0xff}else{0}}o}
fn runs2(bytes:&[u8],core:&Range<usize>,report:&mut dyn FnMut(Range<usize>)){
 let limit=bytes.len().min(core.end+16);let mut done=core.start; // up to here runs are known
 let mut at=core.start;
 while at<limit{
  let Some(c)=bytes.get(at..at+64)else{break};
  let m=token_mask(c.try_into().unwrap());
  let mut any=0u32;for j in 0..8{any|=u32::from(u64::from_le_bytes(m[8*j..8*j+8].try_into().unwrap())==!0)<<j}
  while any!=0{let j=any.trailing_zeros()as usize;any&=any-1;let p=at+8*j;if p<done{continue}
   let (s,e)=grow(bytes,p);
   if core.contains(&s)&&(16..=65536).contains(&(e-s)){report(s..e)}
   done=e;}
  at+=64;
 }
 let mut p=at.max(done);while p<limit{ if !TOKEN[bytes[p]as usize]{p+=1;continue} let(s,e)=grow(bytes,p); if s>=done&&core.contains(&s)&&(16..=65536).contains(&(e-s)){report(s..e)} p=e+1;}
}
fn grow(bytes:&[u8],at:usize)->(usize,usize){let floor=at.saturating_sub(65537);
  let start=bytes[floor..at].iter().rposition(|b|!TOKEN[*b as usize]).map_or(floor,|g|floor+g+1);
  let mut end=at; while let Some(c)=bytes.get(end..end+64){let m=token_mask(c.try_into().unwrap());
    let mut j=0;while j<8{let w=u64::from_le_bytes(m[8*j..8*j+8].try_into().unwrap());if w!=!0{return(start,end+8*j+((!w).trailing_zeros()/8)as usize)}j+=1}
    end+=64}
  let e=bytes[end..].iter().position(|b|!TOKEN[*b as usize]).map_or(bytes.len(),|g|end+g);(start,e)}
struct Tokens{rare:Rare,names:aho_corasick::packed::Searcher,ids:Vec<u32>}
impl Pre for Tokens{ fn new(a:&[Anchor])->Self{let rare=Rare::build(&a.iter().map(|x|if x.nocase{Anchor{text:b"!!!".to_vec(),nocase:false}}else{x.clone()}).collect::<Vec<_>>(),2,4);
   // shortest stems of the names
   let stems=["secret","token","key","cred","pass","pwd"];let mut c=aho_corasick::packed::Config::new().builder();let mut ids=vec![];for s in stems{for t in cases(s.as_bytes()){c.add(t);ids.push(0)}}
   for t in ["-----BEGIN","://"]{c.add(t);ids.push(0)}
   Tokens{rare,names:c.build().unwrap(),ids}}
 fn hits(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)){
  runs2(b,core,&mut |r|{ if b[r.clone()].iter().any(u8::is_ascii_digit){ let c=r.start.max(core.start)..r.end; self.rare.run2(b,&c,report)}});
  let mut at=core.start;while let Some(m)=self.names.find_in(b,(at..core.end).into()){report(self.ids[m.pattern().as_usize()],m.start());at=m.start()+1}
 }}

// 6. rare grams of four bytes
struct Rare4{map:Box<[u64;4096]>,first:Vec<u16>,entries:Vec<Entry>,a:Vec<Anchor>,words:Vec<(u64,u64)>,short:Vec<(memchr::memmem::Finder<'static>,u32)>}
fn gram4(t:&[u8])->u32{u32::from_le_bytes([t[0],t[1],t[2],t[3]])|0x2020_2020}
fn h4(g:u32)->usize{(g.wrapping_mul(0x9E37_79B1)>>14) as usize}
fn freq4(g:&[u8])->f32{let f=FREQ.get().unwrap();let k=|a:u8,b:u8|f[((a|0x20)as usize)<<8|(b|0x20)as usize];k(g[0],g[1])*k(g[2],g[3])*k(g[1],g[2])/1e4}
impl Rare4{
 fn build(a:&[Anchor])->Self{let mut map=Box::new([0u64;4096]);let mut es:Vec<(usize,Entry)>=vec![];let mut short=vec![];
  let mut put=|g:u32,o:usize,i:usize|{let p=h4(g);map[p>>6]|=1u64<<(p&63);es.push((p>>(18-BUCK),Entry{gram:g,offset:o as u32,anchor:i as u32}))};
  for(i,x)in a.iter().enumerate(){ let l=x.text.len(); if l<4{for t in if x.nocase{cases(&x.text)}else{vec![x.text.clone()]}{short.push((memchr::memmem::Finder::new(&t).into_owned(),i as u32))}continue}
   for r in 0..2usize{
     let best=(r..=l-4).step_by(2).min_by(|p,q|freq4(&x.text[*p..]).total_cmp(&freq4(&x.text[*q..])));
     match best{Some(o)=>put(gram4(&x.text[o..]),o,i),
      None=>{ // three bytes known, the fourth is anything
        let t=&x.text[r..];for c in (0x20..0x40).chain(0x60..0x80u32).chain(0xa0..0xc0).chain(0xe0..0x100){put(u32::from_le_bytes([t[0]|0x20,t[1]|0x20,t[2]|0x20,c as u8]),r,i)}}}}}
  es.sort_by_key(|e|(e.0,e.1.gram));
  let mut first=vec![0u16;(1<<BUCK)+1];for k in 0..=1usize<<BUCK{first[k]=es.partition_point(|e|e.0<k)as u16}
  let words=a.iter().map(|x|{let n=x.text.len().min(8);let mut w=[0u8;8];w[..n].copy_from_slice(&x.text[..n]);let m=if n==8{!0}else{(1u64<<(8*n))-1};(( u64::from_le_bytes(w)|FOLD)&m,m)}).collect();
  if std::env::var("DENS").is_ok(){eprintln!("density {:.4} entries {}",map.iter().map(|x|x.count_ones()).sum::<u32>()as f64/262144.0,es.len());}
  Rare4{map,first,entries:es.into_iter().map(|e|e.1).collect(),a:a.to_vec(),words,short}}
 #[inline]fn bit(&self,g:u32)->u64{let p=h4(g);self.map[p>>6]>>(p&63)&1}
 #[inline(never)]fn cmp(&self,b:&[u8],core:&Range<usize>,at:usize,g:u32,report:&mut dyn FnMut(u32,usize)){let k=h4(g)>>(18-BUCK);
  for e in &self.entries[self.first[k]as usize..self.first[k+1]as usize]{ if e.gram!=g{continue} let Some(s)=at.checked_sub(e.offset as usize).filter(|s|core.contains(s))else{continue};
    let (w,m)=self.words[e.anchor as usize]; if let Some(x)=b.get(s..s+8){ if (u64::from_le_bytes(x.try_into().unwrap())|FOLD)&m!=w{continue}}
    let a=&self.a[e.anchor as usize];if b.get(s..s+a.text.len()).is_some_and(|t|eq(a,t)){report(e.anchor,s)}}}
}
impl Pre for Rare4{ fn new(a:&[Anchor])->Self{Self::build(a)} fn hits(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)){
  let end=b.len().min(core.end+64);let mut at=core.start;
  while at<end{let Some(e)=b.get(at..at+8)else{break};let w=u64::from_le_bytes(e.try_into().unwrap())|FOLD;
   let(x,y,z)=(w as u32,(w>>16) as u32,(w>>32) as u32);let s=self.bit(x)|self.bit(y)<<1|self.bit(z)<<2;
   if s!=0{ if s&1!=0{self.cmp(b,core,at,x,report)} if s&2!=0{self.cmp(b,core,at+2,y,report)} if s&4!=0{self.cmp(b,core,at+4,z,report)}}
   at+=6}
  while at<end&&at+3<=b.len(){let g=gram4(&[b[at],b[at+1],b[at+2],b.get(at+3).copied().unwrap_or(0)]);if self.bit(g)!=0{self.cmp(b,core,at,g,report)}at+=2}
  for(f,i)in &self.short{for m in f.find_iter(&b[core.start..b.len().min(core.end+2)]){let s=core.start+m;if s<core.end{report(*i,s)}}}
 }}

// 7. two maps: four bytes where the anchor is long enough, three for the odd place of anchors of four
#[derive(Clone,Copy)]struct E2{word:u64,mask:u64,offset:u32,anchor:u32}
struct Two{map:Box<[u64;4096]>,map3:Box<[u64;1024]>,first:Vec<u16>,entries:Vec<E2>,first3:Vec<u16>,entries3:Vec<E2>,a:Vec<Anchor>,short:Vec<(memchr::memmem::Finder<'static>,u32)>}
fn h3(g:u32)->usize{((g&0xff_ffff).wrapping_mul(0x9E37_79B1)>>16) as usize}
impl Two{
 fn build(a:&[Anchor])->Self{let mut map=Box::new([0u64;4096]);let mut map3=Box::new([0u64;1024]);let mut es:Vec<(usize,E2)>=vec![];let mut e3:Vec<(usize,E2)>=vec![];let mut short=vec![];
  for(i,x)in a.iter().enumerate(){ let l=x.text.len(); if l<4{for t in if x.nocase{cases(&x.text)}else{vec![x.text.clone()]}{short.push((memchr::memmem::Finder::new(&t).into_owned(),i as u32))}continue}
   let n=l.min(8);let mut w=[0u8;8];w[..n].copy_from_slice(&x.text[..n]);let m=if n==8{!0}else{(1u64<<(8*n))-1};let w=(u64::from_le_bytes(w)|FOLD)&m;
   for r in 0..2usize{
     let best=(r..=l-4).step_by(2).min_by(|p,q|freq4(&x.text[*p..]).total_cmp(&freq4(&x.text[*q..])));
     match best{Some(o)=>{let g=gram4(&x.text[o..]);let p=h4(g);map[p>>6]|=1u64<<(p&63);es.push((p>>(18-BUCK),E2{word:w,mask:m,offset:o as u32,anchor:i as u32}))},
      None=>{let g=gram(&x.text[1..]) as u32;let p=h3(g);map3[p>>6]|=1u64<<(p&63);e3.push((p>>(16-10),E2{word:w,mask:m,offset:1,anchor:i as u32}))}}}}
  es.sort_by_key(|e|e.0);e3.sort_by_key(|e|e.0);
  let mut first=vec![0u16;(1<<BUCK)+1];for k in 0..=1usize<<BUCK{first[k]=es.partition_point(|e|e.0<k)as u16}
  let mut first3=vec![0u16;(1<<10)+1];for k in 0..=1usize<<10{first3[k]=e3.partition_point(|e|e.0<k)as u16}
  Two{map,map3,first,entries:es.into_iter().map(|e|e.1).collect(),first3,entries3:e3.into_iter().map(|e|e.1).collect(),a:a.to_vec(),short}}
 #[inline]fn bit(&self,g:u32)->u64{let p=h4(g);let q=h3(g);(self.map[p>>6]>>(p&63)|self.map3[q>>6]>>(q&63))&1}
 #[inline(never)]fn cmp(&self,b:&[u8],core:&Range<usize>,at:usize,g:u32,report:&mut dyn FnMut(u32,usize)){
  let k=h4(g)>>(18-BUCK);self.each(&self.entries[self.first[k]as usize..self.first[k+1]as usize],b,core,at,report);
  let k=h3(g)>>6;self.each(&self.entries3[self.first3[k]as usize..self.first3[k+1]as usize],b,core,at,report);}
 #[inline]fn each(&self,es:&[E2],b:&[u8],core:&Range<usize>,at:usize,report:&mut dyn FnMut(u32,usize)){
  for e in es{let s=at.wrapping_sub(e.offset as usize);
    if let Some(x)=b.get(s..s.wrapping_add(8)){ if (u64::from_le_bytes(x.try_into().unwrap())|FOLD)&e.mask!=e.word{continue}}
    if !core.contains(&s){continue}
    let a=&self.a[e.anchor as usize];if b.get(s..s+a.text.len()).is_some_and(|t|eq(a,t)){report(e.anchor,s)}}}
}
impl Pre for Two{ fn new(a:&[Anchor])->Self{Self::build(a)} fn hits(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)){
  let end=b.len().min(core.end+64);let mut at=core.start;let count=std::env::var("COUNT").is_ok();let mut n=0u64;
  while at<end{let Some(e)=b.get(at..at+8)else{break};let w=u64::from_le_bytes(e.try_into().unwrap())|FOLD;
   let(x,y,z)=(w as u32,(w>>16) as u32,(w>>32) as u32);let s=self.bit(x)|self.bit(y)<<1|self.bit(z)<<2;
   if s!=0{ if count{n+=s.count_ones()as u64} if s&1!=0{self.cmp(b,core,at,x,report)} if s&2!=0{self.cmp(b,core,at+2,y,report)} if s&4!=0{self.cmp(b,core,at+4,z,report)}}
   at+=6}
  if count{eprintln!("maphits {n} of {} = {:.3}%",b.len(),100.*n as f64/b.len()as f64)}
  while at<end&&at+3<=b.len(){let g=gram4(&[b[at],b[at+1],b[at+2],b.get(at+3).copied().unwrap_or(0)]);if self.bit(g)!=0{self.cmp(b,core,at,g,report)}at+=2}
  for(f,i)in &self.short{for m in f.find_iter(&b[core.start..b.len().min(core.end+2)]){let s=core.start+m;if s<core.end{report(*i,s)}}}
 }}

// 8. three bytes, rare and shared grams, anchors of three completed
struct R3{map:Box<[u64;4096]>,first:Vec<u16>,entries:Vec<E2>,a:Vec<Anchor>}
const B8:u32=14;
impl R3{
 fn build(a:&[Anchor])->Self{let mut map=Box::new([0u64;4096]);let mut es:Vec<(usize,E2)>=vec![];
  let mut order:Vec<usize>=(0..a.len()).collect();order.sort_by_key(|i|a[*i].text.len());
  for i in order{let x=&a[i]; let l=x.text.len();
   let n=l.min(8);let mut w=[0u8;8];w[..n].copy_from_slice(&x.text[..n]);let m=if n==8{!0}else{(1u64<<(8*n))-1};let w=(u64::from_le_bytes(w)|FOLD)&m;
   for r in 0..2usize{
     let cost=|p:usize|{let g=gram(&x.text[p..]);let q=h(g,18);let f=freq(&x.text[p..]);if map[q>>6]>>(q&63)&1!=0{f*0.02}else{f}};
     let best=if l>=3+r{(r..=l-3).step_by(2).min_by(|p,q|cost(*p).total_cmp(&cost(*q)))}else{None};
     let mut put=|g:u64,o:usize|{let p=h(g,18);map[p>>6]|=1u64<<(p&63);es.push((p>>(18-B8),E2{word:w,mask:m,offset:o as u32,anchor:i as u32}))};
     match best{Some(o)=>put(gram(&x.text[o..]),o),
      None=>{let t=&x.text[1..];for c in (0x20..0x40).chain(0x60..0x80u64).chain(0xa0..0xc0).chain(0xe0..0x100){put(u64::from(t[0]|0x20)|u64::from(t[1]|0x20)<<8|c<<16,1)}}}}}
  es.sort_by_key(|e|e.0);
  let mut first=vec![0u16;(1<<B8)+1];for k in 0..=1usize<<B8{first[k]=es.partition_point(|e|e.0<k)as u16}
  R3{map,first,entries:es.into_iter().map(|e|e.1).collect(),a:a.to_vec()}}
 #[inline]fn bit(&self,g:u64)->u64{let p=h(g,18);self.map[p>>6]>>(p&63)&1}
 #[inline(always)]fn cmp(&self,b:&[u8],core:&Range<usize>,at:usize,g:u64,report:&mut dyn FnMut(u32,usize)){
  let k=h(g,18)>>(18-B8);
  for e in &self.entries[self.first[k]as usize..self.first[k+1]as usize]{let s=at.wrapping_sub(e.offset as usize);
    if let Some(x)=b.get(s..s.wrapping_add(8)){ if (u64::from_le_bytes(x.try_into().unwrap())|FOLD)&e.mask!=e.word{continue}}
    self.end(e.anchor,b,core,s,report)}}
 #[cold]#[inline(never)]fn end(&self,i:u32,b:&[u8],core:&Range<usize>,s:usize,report:&mut dyn FnMut(u32,usize)){
    if !core.contains(&s){return}
    let a=&self.a[i as usize];if b.get(s..s+a.text.len()).is_some_and(|t|eq(a,t)){report(i,s)}}
}
impl Pre for R3{ fn new(a:&[Anchor])->Self{Self::build(a)} fn hits(&self,b:&[u8],core:&Range<usize>,report:&mut dyn FnMut(u32,usize)){
  let end=b.len().min(core.end+64);let mut at=core.start;let count=std::env::var("COUNT").is_ok();let mut n=0u64;
  while at<end{let Some(e)=b.get(at..at+8)else{break};let w=u64::from_le_bytes(e.try_into().unwrap())|FOLD;
   let(x,y,z)=(w&THREE,(w>>16)&THREE,(w>>32)&THREE);let s=self.bit(x)|self.bit(y)<<1|self.bit(z)<<2;
   if s!=0{ if count{n+=s.count_ones()as u64} let mut s=s; while s!=0{let t=s.trailing_zeros();s&=s-1;self.cmp(b,core,at+2*t as usize,(w>>(16*t))&THREE,report)}}
   at+=6}
  if count{eprintln!("maphits {n} of {} = {:.3}%",b.len(),100.*n as f64/b.len()as f64)}
  while at<end&&at+3<=b.len(){let g=gram(&[b[at],b[at+1],b[at+2]]);if self.bit(g)!=0{self.cmp(b,core,at,g,report)}at+=2}
 }}

fn load(n:&str)->Vec<Anchor>{std::fs::read_to_string(format!("anchors-{n}")).unwrap().lines().map(|l|{let mut f=l.split('\t');f.next();let nc=f.next()==Some("1");Anchor{text:f.next().unwrap().as_bytes().to_vec(),nocase:nc}}).collect()}
fn bench<P:Pre>(name:&str,set:&str,files:&[String]){
 let a=load(set);let t=Instant::now();let p=P::new(&a);let build=t.elapsed();
 print!("{name:8} {set:5} build {:7.2} ms ",build.as_secs_f64()*1e3);
 for f in files{let b=std::fs::read(format!("corpus/{f}")).unwrap();
  let reps=if std::env::var("ONCE").is_ok(){1}else{5};let mut best=f64::MAX;let mut n=0;
  for _ in 0..reps{n=0;let t=Instant::now();p.hits(&b,&(0..b.len()),&mut|_,_|n+=1);best=best.min(t.elapsed().as_secs_f64())}
  print!(" {f} {:5.2} GB/s {n:7}",b.len()as f64/best/1e9);}
 println!();
}
fn main(){
 // bigram table from the source corpus (estimates rarity); smoothed
 let b=std::fs::read("corpus/source").unwrap();let mut f=vec![0f32;65536];for w in b[..8<<20].windows(2){f[((w[0]|0x20)as usize)<<8|(w[1]|0x20)as usize]+=1.0}
 // to mimic a small table: byte frequencies only if BYTES is set
 if std::env::var("BYTES").is_ok(){let mut u=vec![0f32;256];for x in &b[..8<<20]{u[(x|0x20)as usize]+=1.0}for i in 0..256{for j in 0..256{f[i<<8|j]=(u[i]*u[j]).sqrt()}}}
 for x in &mut f{*x+=1.0}
 FREQ.set(f).unwrap();
 let args:Vec<String>=std::env::args().skip(1).collect();let which=&args[0];let sets=args[1].split(',');let files:Vec<String>=args[2].split(',').map(String::from).collect();
 if which=="runs"{for f in &files{let b=std::fs::read(format!("corpus/{f}")).unwrap();for (nm,fun) in [("runs",runs as fn(&[u8],&Range<usize>,&mut dyn FnMut(Range<usize>))),("runs2",runs2)]{let mut best=f64::MAX;let mut n=0usize;let mut sum=0usize;for _ in 0..5{n=0;sum=0;let t=Instant::now();fun(&b,&(0..b.len()),&mut|r|{n+=1;sum=sum.wrapping_mul(31).wrapping_add(r.start^r.end)});best=best.min(t.elapsed().as_secs_f64())}println!("{nm} {f} {:.2} GB/s {n} {sum:x}",b.len()as f64/best/1e9)}}return}
 for s in sets{ match &which[..]{ "all"=>{bench::<Dfa>("dfa",s,&files);bench::<Nfa>("nfa",s,&files);bench::<Grams>("grams",s,&files);bench::<Rare>("rare",s,&files);bench::<Split>("split",s,&files);bench::<Tiers>("tiers",s,&files);bench::<Tokens>("tokens",s,&files)}
  "dfa"=>bench::<Dfa>("dfa",s,&files),"grams"=>bench::<Grams>("grams",s,&files),"rare4"=>bench::<Rare4>("rare4",s,&files),"two"=>bench::<Two>("two",s,&files),"r3"=>bench::<R3>("r3",s,&files),"none"=>{for f in &files{std::hint::black_box(std::fs::read(format!("corpus/{f}")).unwrap());}},"rare"=>bench::<Rare>("rare",s,&files),"split"=>bench::<Split>("split",s,&files),"tiers"=>bench::<Tiers>("tiers",s,&files),"tokens"=>bench::<Tokens>("tokens",s,&files),_=>panic!()}}
}
